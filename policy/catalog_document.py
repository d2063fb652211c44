"""The catalog as a JSON document: `{"DATABASE": {"SCHEMA": {"TABLE": <table>}}}`, names as stored, in their exact case.

A table is either plain, `{"COLUMN": "TYPE"}`, or an object whose `columns` is a list. The two cannot be confused: in
the plain form every value is text, so a plain table may well have a column that is called `columns`.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from policy.catalog import Catalog, Column, ForeignKey, Table, TableKind
from policy.names import TableName
from policy.yaml_source import PolicyDocumentError

_HINT = 'a catalog is {"DATABASE": {"SCHEMA": {"TABLE": {"COLUMN": "TYPE"}}}}'


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Column(_Model):
    name: str = Field(min_length=1)
    type: str = Field(min_length=1)
    nullable: bool = True
    comment: str = ""
    tags: list[str] = []
    native_policies: list[str] = []


class _ForeignKey(_Model):
    columns: list[str] = Field(min_length=1)
    target: list[str] = Field(min_length=3, max_length=3)
    target_columns: list[str] = Field(min_length=1)


class _Table(_Model):
    columns: list[_Column]
    kind: str = Field(default="table", pattern="^(table|view)$")
    comment: str = ""
    primary_key: list[str] = []
    foreign_keys: list[_ForeignKey] = []
    definition: str | None = None
    is_secure: bool = False
    native_policies: list[str] = []
    are_tags_known: bool = True


_PLAIN = TypeAdapter(dict[str, str], config=ConfigDict(strict=True))


def from_document(document: object) -> Catalog:
    """The catalog that `document` (decoded JSON) holds. Raises PolicyDocumentError naming the place."""
    tables: list[Table] = []
    for database, schemas in _mapping(document, "the catalog").items():
        for schema, by_name in _mapping(schemas, f"`{database}`").items():
            for name, table in _mapping(by_name, f"`{database}.{schema}`").items():
                tables.append(_table(TableName(database, schema, name), table))
    return Catalog.of(tables)


def to_document(catalog: Catalog) -> dict[str, Any]:
    """`catalog` as a document; what has its default value is left out. Equal catalogs give equal documents."""
    document: dict[str, Any] = {}
    for name in sorted(catalog.tables):
        schemas = document.setdefault(name.database, {})
        schemas.setdefault(name.schema, {})[name.name] = _told(catalog.tables[name])
    return document


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or not all(isinstance(key, str) and key for key in value):
        raise PolicyDocumentError(f"{where} is not an object of names", _HINT)
    return value


def _table(name: TableName, value: object) -> Table:
    entry = _mapping(value, f"`{name}`")
    try:
        if not isinstance(entry.get("columns"), list):
            plain = _PLAIN.validate_python(entry)
            return Table(name, tuple(Column(column, type_) for column, type_ in plain.items()))
        model = _Table.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        message = first["msg"][:1].lower() + first["msg"][1:]
        raise PolicyDocumentError(f"`{name}`: `{place}`: {message}", _HINT) from None
    names = [column.name for column in model.columns]
    if len(set(names)) < len(names):
        raise PolicyDocumentError(f"`{name}` has two columns of one name", "give each column once")
    return Table(
        name=name,
        columns=tuple(
            Column(c.name, c.type, c.nullable, c.comment, tuple(c.tags), tuple(c.native_policies))
            for c in model.columns
        ),
        kind=TableKind(model.kind),
        comment=model.comment,
        primary_key=tuple(model.primary_key),
        foreign_keys=tuple(
            ForeignKey(tuple(key.columns), TableName(*key.target), tuple(key.target_columns))
            for key in model.foreign_keys
        ),
        definition=model.definition,
        is_secure=model.is_secure,
        native_policies=tuple(model.native_policies),
        are_tags_known=model.are_tags_known,
    )


def _told(table: Table) -> dict[str, Any]:
    keys = [
        {
            "columns": list(key.columns),
            "target": [*key.target.parts],
            "target_columns": list(key.target_columns),
        }
        for key in table.foreign_keys
    ]
    told: dict[str, Any] = {"columns": [_told_column(column) for column in table.columns]}
    optional = {
        "kind": "" if table.kind is TableKind.TABLE else table.kind.value,
        "comment": table.comment,
        "primary_key": list(table.primary_key),
        "foreign_keys": keys,
        "is_secure": table.is_secure,
        "native_policies": list(table.native_policies),
    }
    told.update({key: value for key, value in optional.items() if value})
    if table.definition is not None:
        told["definition"] = table.definition
    if not table.are_tags_known:
        told["are_tags_known"] = False
    return told


def _told_column(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {"name": column.name, "type": column.type}
    optional = {"comment": column.comment, "tags": list(column.tags), "native_policies": list(column.native_policies)}
    told.update({key: value for key, value in optional.items() if value})
    if not column.nullable:
        told["nullable"] = False
    return told
