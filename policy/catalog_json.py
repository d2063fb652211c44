"""A catalog as JSON and back, without losing a fact: what reads equal has an equal digest."""

import json
from typing import Any

from policy.catalog import Catalog, Column, ForeignKey, Table, TableKind
from policy.names import TableName


def catalog_json(catalog: Catalog) -> bytes:
    """Every fact of `catalog`, as UTF-8 JSON."""
    tables = [
        {
            "name": table.name.parts,
            "columns": [[c.name, c.type, c.nullable, c.comment, c.tags, c.native_policies] for c in table.columns],
            "kind": table.kind.value,
            "comment": table.comment,
            "primary_key": table.primary_key,
            "foreign_keys": [[key.columns, key.target.parts, key.target_columns] for key in table.foreign_keys],
            "definition": table.definition,
            "is_secure": table.is_secure,
            "native_policies": table.native_policies,
            **({} if table.are_tags_known else {"are_tags_known": False}),
        }
        for table in catalog.tables.values()
    ]
    return json.dumps(tables, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def read_catalog_json(data: bytes) -> Catalog:
    """The catalog that `catalog_json` has written.

    Raises:
        ValueError: it was not written so.
    """
    try:
        return Catalog.of(_table(each) for each in json.loads(data.decode("utf-8", "surrogatepass")))
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError("not a catalog") from error


def _table(told: dict[str, Any]) -> Table:
    return Table(
        name=TableName(*told["name"]),
        columns=tuple(
            Column(name, kind, nullable, comment, tuple(tags), tuple(native))
            for name, kind, nullable, comment, tags, native in told["columns"]
        ),
        kind=TableKind(told["kind"]),
        comment=told["comment"],
        primary_key=tuple(told["primary_key"]),
        foreign_keys=tuple(
            ForeignKey(tuple(columns), TableName(*target), tuple(target_columns))
            for columns, target, target_columns in told["foreign_keys"]
        ),
        definition=told["definition"],
        is_secure=told["is_secure"],
        native_policies=tuple(told["native_policies"]),
        are_tags_known=told.get("are_tags_known", True),
    )
