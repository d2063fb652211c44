"""A first policy, written from a catalog alone: what it opens is nothing, what it could not know stands in it.

The same catalog and wishes give the same text. Every name comes from the account, where anybody may have made it up: it
is quoted in YAML as JSON quotes it, and cannot end a comment.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from policy.catalog import Catalog, TableKind
from policy.importing import Imported, column_name, imported, in_comment, listed
from policy.names import display
from policy.personal_names import KINDS, kind_of

PROPOSED_MAX = 1_000
"""Columns that are proposed to be public, one by one; an account may have a million."""

SHOWN_MAX = 20
"""Objects of one kind that are named in a comment."""

_OPAQUE = ("VARIANT", "OBJECT", "ARRAY", "GEOGRAPHY", "GEOMETRY", "BINARY")


@dataclass(frozen=True, slots=True)
class Wishes:
    """Who is to ask, as which role of Snowflake on which warehouse; and `(DATABASE, SCHEMA)`s that they may read."""

    groups: tuple[str, ...]
    read_role: str
    warehouse: str
    schemas: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of a policy, and in words what its writer could not know."""

    text: str
    unknown: tuple[str, ...]
    columns: int
    by_tag: int
    by_name: int


@dataclass(slots=True)
class _Sorted:
    """The columns of a catalog, by how much is known of them."""

    by_kind: dict[str, list[str]] = field(default_factory=dict)
    by_tag: int = 0
    unknown: list[str] = field(default_factory=list)
    opaque: list[str] = field(default_factory=list)
    columns: int = 0


def draft(catalog: Catalog, wishes: Wishes) -> Draft:
    """A policy over `catalog`, in which no column is clear to anybody."""
    found, told = imported(catalog), _sorted(catalog)
    unknown = tuple(_unknown(catalog, told, found))
    lines = [
        "# A first policy, written by `snowgate init`. It opens no value: every column is NULL for everybody until you",
        "# say otherwise. Go through it line by line, and keep it where your changes are reviewed.",
        "#",
        "# What could not be known:",
        *(f"#   - {each}" for each in unknown),
        "version: 1",
        *_limits(catalog),
        *_roles(wishes),
        *_classifications(found, told),
        *_public(told),
        *_rules(catalog, wishes),
    ]
    by_name = sum(map(len, told.by_kind.values()))
    return Draft("\n".join(lines) + "\n", unknown, told.columns, told.by_tag, by_name)


def _sorted(catalog: Catalog) -> _Sorted:
    told = _Sorted()
    for name, table in catalog.tables.items():
        for column in table.columns:
            told.columns += 1
            full = column_name(name, column)
            kind = kind_of(column.name)
            if column.tags:
                told.by_tag += 1
            elif column.native_policies:
                pass  # hidden until its name is public, and listed with its policy
            elif kind is not None:
                told.by_kind.setdefault(kind, []).append(full)
            elif column.type.upper().startswith(_OPAQUE):
                told.opaque.append(full)
            else:
                told.unknown.append(full)
    return told


def _limits(catalog: Catalog) -> Iterator[str]:
    places = {(name.database, name.schema) for name in catalog.tables}
    if len(places) == 1:
        [(database, schema)] = places
        yield f"defaults: {{ database: {json.dumps(database)}, schema: {json.dumps(schema)} }}"
    yield "limits: { rows_max: 1000, statement_timeout_s: 60 }"


def _roles(wishes: Wishes) -> Iterator[str]:
    yield ""
    yield "# Who asks is proven by a token; these are groups of its claim. Whoever is in none of them may do nothing."
    yield "# Writes need a `write_role`, rules that hold them and `approvals`: none of them is here."
    yield "roles:"
    yield "  - id: readers"
    yield f"    who: {_who(wishes)}"
    yield f"    read_role: {json.dumps(wishes.read_role)}"
    yield f"    warehouse: {json.dumps(wishes.warehouse)}"


def _who(wishes: Wishes) -> str:
    return f"{{ groups: {json.dumps(list(wishes.groups))} }}"


def _classifications(found: Imported, told: _Sorted) -> Iterator[str]:
    entries = [*_from_tags(found), *_from_names(found, told)]
    yield ""
    yield "# Kinds of columns. Each is hidden from everybody until you give its mask another `kind`, such as"
    yield "# `email_domain` or `partial`, or an audience that it spares: `unless: { groups: [...] }`."
    yield "classifications:" if entries else "classifications: []"
    for _, lines in entries:
        yield from lines
    yield "masks:" if entries else "masks: []"
    for name, _ in entries:
        yield f"  - {{ classification: {json.dumps(name)}, mask: {{ kind: 'null' }} }}"
    if found.native:
        yield "# Snowflake's own masking policies stay in force. A column with one is shown as they mask it only where"
        yield "# `public` has it by its name; what they show to whom was not read."
    for policy, columns in found.native.items():
        yield f"#   {in_comment(policy)}: {listed(columns, SHOWN_MAX)}"


def _from_tags(found: Imported) -> Iterator[tuple[str, list[str]]]:
    for each in found.proposed:
        head = f"  # A tag of Snowflake's, on {listed(each.columns, SHOWN_MAX)}"
        yield each.name, [head, f"  - {{ name: {json.dumps(each.name)}, tags: [{json.dumps(each.tag)}] }}"]


def _from_names(found: Imported, told: _Sorted) -> Iterator[tuple[str, list[str]]]:
    taken = {each.name for each in found.proposed}
    for kind, patterns in KINDS.items():
        columns = told.by_kind.get(kind)
        if columns is None:
            continue
        name = kind if kind not in taken else f"{kind}-by-name"
        # A pattern means names in upper case; one that is stored otherwise is named itself.
        named = [full for full in columns if not _is_plain(full)]
        lines = [
            f"  # A proposal, by names alone: {listed(columns, SHOWN_MAX)}",
            f"  - name: {json.dumps(name)}",
            "    columns:",
            *(f"      - {json.dumps('*.*.*.' + pattern)}" for pattern in patterns),
            *(f"      - {json.dumps(full)}" for full in named),
        ]
        yield name, lines


def _is_plain(full: str) -> bool:
    return not full.endswith('"')


def _public(told: _Sorted) -> Iterator[str]:
    yield ""
    yield "# Columns that everybody may see as they are, by name or pattern: none yet. No tag and no name speaks of"
    yield "# these. Take the `#` from those that may be seen, and the brackets away. Two columns that are each harmless"
    yield "# can name a person together, and a name says nothing of what somebody put into the column."
    yield "public:"
    for full in told.unknown[:PROPOSED_MAX]:
        yield f"  # - {json.dumps(full)}"
    if len(told.unknown) > PROPOSED_MAX:
        yield f"  # and {len(told.unknown) - PROPOSED_MAX} more"
    yield "  []"


def _rules(catalog: Catalog, wishes: Wishes) -> Iterator[str]:
    schemas = sorted({(name.database, name.schema) for name in catalog.tables})
    opened = [each for each in schemas if each in wishes.schemas]
    yield ""
    yield "# What may be done. To describe a table is to see its name and columns; to read it, to ask with it and learn"
    yield "# at least how many rows it has. Silence denies."
    yield "rules:" if schemas else "rules: []"
    if schemas:
        yield from _rule("readers-describe", "describe", opened or schemas, wishes)
    if opened:
        yield from _rule("readers-read", "read", opened, wishes)
    left = [each for each in schemas if each not in opened]
    if left:
        yield "# Not to be read yet; add a rule, or run `snowgate init` again with `--schema`:"
    for database, schema in left:
        tables = sum((name.database, name.schema) == (database, schema) for name in catalog.tables)
        yield f"#   {in_comment(f'{display(database)}.{display(schema)}')}: {tables} tables and views"


def _rule(name: str, verb: str, schemas: Iterable[tuple[str, str]], wishes: Wishes) -> Iterator[str]:
    yield f"  - id: {name}"
    yield "    effect: permit"
    yield f"    who: {_who(wishes)}"
    yield f"    verbs: [{verb}]"
    yield "    tables:"
    for database, schema in schemas:
        yield f"      - {json.dumps(f'{display(database)}.{display(schema)}.*')}"


def _unknown(catalog: Catalog, told: _Sorted, found: Imported) -> Iterator[str]:
    tables = catalog.tables.values()
    if not told.by_tag and not found.native:
        yield "tags and policies of Snowflake's own: none were read; the catalog's role may lack what that takes"
    else:
        yield "tags and policies of the last two hours: Snowflake tells of them that late"
    yield f"what {len(told.unknown)} columns hold, of which no tag and no name speaks"
    if told.by_kind:
        yield "whether columns found by their names are what they are called; only English names were looked for"
    if told.opaque:
        yield f"what is inside of {listed(told.opaque, SHOWN_MAX)}, which are left out below"
    if views := [str(each.name) for each in tables if each.definition is None and each.kind is TableKind.VIEW]:
        yield f"what these views read, whose text is not shown to the catalog's role: {listed(views, SHOWN_MAX)}"
    if rows := [str(each.name) for each in tables if each.native_policies]:
        yield f"whose rows Snowflake's own row access policies hide: {listed(rows, SHOWN_MAX)}"
    if found.native:
        yield "what Snowflake's own masking policies show, and to whom"
    yield "who is in the groups, and whether role and warehouse have what they need: see `snowgate doctor --as`"
    yield "databases that SNOWGATE_DATABASES does not name, and tables that the catalog's role may not see"
