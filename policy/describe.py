"""The decision on a look at the catalog: one page of what the audience may see, and how each column appears to it."""

import base64
import bisect
import hashlib
import itertools
import json
from collections.abc import Sequence

from policy.audience import Audience
from policy.catalog import Catalog, Table
from policy.decision import ColumnView, Decision, Deny, Permit, ReadCatalog, RuleId, TableView
from policy.identifiers import parse_dotted
from policy.names import TableName
from policy.refusal import PolicyCode, PolicyRefusal
from policy.statement import WRITES, SchemaRequest

PAGE_COLUMNS_MAX = 300
SEARCH_CHARACTERS_MAX = 200


class CatalogIndex:
    """A catalog's tables in name order, each with the text that a search looks through. Made once per catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self.tables: tuple[Table, ...] = tuple(catalog.tables[name] for name in sorted(catalog.tables))
        self._haystacks: dict[TableName, str] = {}

    def haystack(self, table: Table) -> str:
        """The names and comments of `table` in lower case."""
        known = self._haystacks.get(table.name)
        if known is None:
            words = [*table.name.parts, table.comment]
            for column in table.columns:
                words += (column.name, column.comment)
            known = self._haystacks[table.name] = "\n".join(words).casefold()
        return known


def decide_schema(
    audience: Audience, visible: Sequence[Table], index: CatalogIndex, request: SchemaRequest
) -> Decision:
    """The page that `request` asks for out of `visible`, which is in name order. A bad cursor is denied."""
    if audience.role is None and not visible:
        return Deny(
            frozenset(), PolicyCode.NOT_PERMITTED, "nothing is open to you", "ask the policy's owners for a role"
        )
    try:
        after = _after(request)
        found = _found(visible, request, index)
    except PolicyRefusal as refusal:
        return Deny(frozenset(), refusal.code, refusal.message, refusal.hint)
    page: list[Table] = []
    columns = 0
    first = 0 if after is None else bisect.bisect_right(found, after, key=_name)
    for table in itertools.islice(found, first, None):
        if page and columns + len(table.columns) > PAGE_COLUMNS_MAX:
            break
        page.append(table)
        columns += len(table.columns)
    cursor = _cursor(request, page[-1].name) if first + len(page) < len(found) else None
    determining: set[RuleId] = set()
    for table in page:
        determining |= audience.rules.visibility(table.name)
    action = ReadCatalog(tuple(_view(audience, table) for table in page), len(found), cursor)
    return Permit(frozenset(determining), action)


def _found(visible: Sequence[Table], request: SchemaRequest, index: CatalogIndex) -> Sequence[Table]:
    """The tables of `visible` that `request` asks for, in the same order."""
    database, schema, name = map(_folded, (request.database, request.schema, request.table))
    found = visible
    if name is not None:
        found = [table for table in found if table.name.name == name]
    if schema is not None:
        found = [table for table in found if table.name.schema == schema]
    if database is not None:
        found = [table for table in found if table.name.database == database]
    if request.search:
        wanted = request.search[:SEARCH_CHARACTERS_MAX].casefold()
        found = [table for table in found if wanted in index.haystack(table)]
    return found


def _folded(written: str | None) -> str | None:
    """A name as the caller wrote it, folded as an identifier; what is not an identifier is taken as it is."""
    if written is None:
        return None
    try:
        parts = parse_dotted(written)
    except ValueError:
        return written
    return parts[0] if len(parts) == 1 else written


def _view(audience: Audience, table: Table) -> TableView:
    exposure = audience.exposures.of(table)
    hidden = [key.target for key in table.foreign_keys if not audience.rules.is_visible(key.target)]
    return TableView(
        name=table.name,
        kind=table.kind,
        comment=table.comment,
        columns=tuple(
            ColumnView(column.name, column.type, column.nullable, column.comment, appearance.how)
            for column, appearance in zip(table.columns, exposure.columns, strict=True)
        ),
        primary_key=table.primary_key,
        foreign_keys=tuple(key for key in table.foreign_keys if key.target not in hidden),
        row_filters=tuple(each.id for each in exposure.filters),
        writable=any(audience.rules.may(verb, table.name) for verb in WRITES),
        budgets=audience.owing.on(table),
    )


def _name(table: Table) -> TableName:
    return table.name


def _request_digest(request: SchemaRequest) -> str:
    asked = json.dumps([request.database, request.schema, request.table, request.search])
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _cursor(request: SchemaRequest, last: TableName) -> str:
    """An opaque text that names the request and the last table of the page; it opens nothing, so it needs no secret."""
    text = json.dumps([_request_digest(request), *last.parts])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _after(request: SchemaRequest) -> TableName | None:
    if request.cursor is None:
        return None
    try:
        padded = request.cursor + "=" * (-len(request.cursor) % 4)
        digest, database, schema, name = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        after = TableName(database, schema, name)
        is_good = digest == _request_digest(request) and all(isinstance(p, str) for p in (database, schema, name))
    except (ValueError, TypeError, RecursionError):
        is_good, after = False, None
    if not is_good:
        raise PolicyRefusal(
            PolicyCode.BAD_CURSOR,
            "the cursor does not belong to this request",
            "repeat the request without a cursor, or with the cursor that it returned",
        )
    return after
