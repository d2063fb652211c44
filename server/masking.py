"""Step 7 of the line: keep a permit's obligations on what came back, and say in words which they were.

Columns are masked and rows filtered inside the statement; what is left to do here is to hold the row limit against a
lease that brought too much, to scan what came back where the policy asks for it, and to tell the reader what they are
not seeing.
"""

from typing import assert_never

from policy.decision import LimitRows, Permit, ScanContent, TableView
from policy.detectors import Detector
from policy.notes import notes
from server.raw import Raw, RawHolds, RawRows, RawSchema
from server.scanning import scan
from tools.contract import JsonObject, Masked, MaskedHolds, MaskedRows, MaskedSchema


def keep(raw: Raw, permit: Permit) -> Masked:
    """`raw` with every obligation of `permit` kept."""
    match raw:
        case RawRows():
            rows_max = min((o.rows_max for o in permit.obligations if isinstance(o, LimitRows)), default=0)
            kept = raw.rows if len(raw.rows) <= rows_max else raw.rows[:rows_max]
            scanned = scan(raw.columns, kept, detectors_of(permit))
            return MaskedRows(
                columns=raw.columns,
                rows=scanned.rows,
                truncated=raw.truncated or len(raw.rows) > rows_max,
                query_id=raw.query_id,
                notes=(*notes(permit), *scanned.notes),
                rows_affected=raw.rows_affected,
                undo=raw.undo,
            )
        case RawHolds(content):
            return MaskedHolds(content)
        case RawSchema(page):
            return MaskedSchema([table_object(t) for t in page.tables], page.tables_total, page.next_cursor)
        case _:
            assert_never(raw)


def detectors_of(permit: Permit) -> list[Detector]:
    """What the rows that `permit` lets leave are scanned for."""
    return [kind for o in permit.obligations if isinstance(o, ScanContent) for kind in o.detectors]


def table_object(view: TableView) -> JsonObject:
    """A table as JSON; empty facts are left out, for agents pay by the token."""
    return _without_empty(
        {
            "name": str(view.name),
            "kind": view.kind.value,
            "comment": view.comment,
            "columns": [
                _without_empty(
                    {"name": c.name, "type": c.type, "nullable": c.nullable, "comment": c.comment, "appears": c.appears}
                )
                for c in view.columns
            ],
            "primary_key": list(view.primary_key),
            "foreign_keys": [
                {"columns": list(k.columns), "references": str(k.target), "target_columns": list(k.target_columns)}
                for k in view.foreign_keys
            ],
            "row_filters": list(view.row_filters),
            "budgets": list(view.budgets),
            "writable": view.writable,
        }
    )


def _without_empty(value: JsonObject) -> JsonObject:
    return {key: item for key, item in value.items() if item not in ("", [])}
