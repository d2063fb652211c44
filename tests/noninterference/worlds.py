"""Small random worlds: tables, what of them is hidden from whom, and two databases that differ in nothing else.

A world is plain data, so that a failing one can be written down and run again (see found.py).
"""

import json
import random
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st


class Kind(StrEnum):
    """What a column holds; a column's name says its kind, in every table."""

    NUMBER = "n"
    TEXT = "s"
    DATE = "d"
    TRUTH = "b"


TYPES = {Kind.NUMBER: "NUMBER(9,0)", Kind.TEXT: "VARCHAR", Kind.DATE: "DATE", Kind.TRUTH: "BOOLEAN"}
NAMES = {
    "K": Kind.NUMBER,
    "N": Kind.NUMBER,
    "M": Kind.NUMBER,
    "S": Kind.TEXT,
    "T": Kind.TEXT,
    "D": Kind.DATE,
    "B": Kind.TRUTH,
}
KEY = "K"
"""A column that every table has; joins by name use it, and row filters look at it, so it is never masked in part."""

VALUES: dict[Kind, tuple[Any, ...]] = {
    Kind.NUMBER: (None, -12, -1, 0, 1, 2, 3, 12, 25),
    Kind.TEXT: (None, "", "a", "A", "ab", "1", "12", "2024-01-02", "it's", "a_b%", "zzzz"),
    Kind.DATE: (None, date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 2), date(2024, 2, 29)),
    Kind.TRUTH: (None, True, False),
}
MASKS: dict[Kind, tuple[str, ...]] = {
    Kind.NUMBER: ("kind: null", "kind: constant, value: 1", "kind: round, to: 10", "kind: bucket, edges: [0, 3, 20]"),
    Kind.TEXT: (
        "kind: null",
        "kind: redact",
        "kind: constant, value: a",
        "kind: partial, keep_last: 1",
        "kind: token, function: D.S.KEYED",
        "kind: hash, function: D.S.KEYED",
    ),
    Kind.DATE: ("kind: null", "kind: date_trunc, to: month"),
    Kind.TRUTH: ("kind: null", "kind: constant, value: true"),
}
FILTERS = ("k > 1", "k <> 1", "k = 2 OR k IS NULL", "MOD(k, 2) = 0", "k IS NOT NULL", "FALSE", "k IN (1, 2, 3)")
VIEW = "V"
RENAMED = "~"
"""What the second twin's values have at their end where a keyed mask hides them."""
KEYED = (
    "CREATE MACRO D.S.KEYED(v) AS sha256('key' || v)",
    "CREATE MACRO D.S.KEYED(v) AS "
    f"sha256('key' || CASE WHEN ends_with(v, '{RENAMED}') THEN left(v, length(v) - 1) END)",
)
"""The secure function of each twin. A token tells which values are equal and nothing else, so the second twin's values
are others, one for one, and its function is another, so that the tokens are the same."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TableSketch:
    """One table: its columns, masks by column (YAML), row filter or None, and the visible and hidden rows of twins.

    `rows` of a twin are pairs of a row and whether the filter shows it.
    """

    name: str
    columns: tuple[str, ...]
    masks: dict[str, str]
    row_filter: str | None
    twins: tuple[list[Row], list[Row]]


@dataclass(frozen=True, slots=True)
class World:
    """Tables, and the text of a view over the first of them."""

    tables: tuple[TableSketch, ...]
    view: str | None

    def catalog(self) -> dict[str, Any]:
        """The catalog document."""
        tables: dict[str, Any] = {t.name: {c: TYPES[NAMES[c]] for c in t.columns} for t in self.tables}
        if self.view is not None:
            columns = [{"name": c, "type": TYPES[NAMES[c]]} for c in self.tables[0].columns]
            tables[VIEW] = {"columns": columns, "kind": "view", "definition": self.view}
        return {"D": {"S": tables}}

    def policy(self, *, open_: bool = False) -> str:
        """The policy document; with `open_`, one that hides nothing and still rewrites every reference."""
        hidden = [] if open_ else [(t, c, mask) for t in self.tables for c, mask in t.masks.items()]
        filters = [(t.name, "TRUE" if open_ else t.row_filter) for t in self.tables if open_ or t.row_filter]
        classes = [f"{{name: {t.name}_{c}, columns: [D.S.{t.name}.{c}]}}" for t, c, _ in hidden]
        masks = [f"{{classification: {t.name}_{c}, mask: {{{mask}}}}}" for t, c, mask in hidden]
        rows = [f"{{id: f{n}, tables: [D.S.{n}], where: {json.dumps(where)}}}" for n, where in filters]
        return "\n".join(
            (
                "version: 1",
                "defaults: {database: D, schema: S}",
                "limits: {rows_max: 1000000}",
                "roles: [{id: all, who: {anyone: true}, read_role: RO, warehouse: W}]",
                'rules: [{id: read, effect: permit, who: {anyone: true}, verbs: [read], tables: ["D.S.*"]}]',
                'public: ["D.S.*.*"]',
                f"classifications: [{', '.join(classes)}]",
                f"masks: [{', '.join(masks)}]",
                f"row_filters: [{', '.join(rows)}]",
            )
        )

    def statements(self, which: int) -> list[str]:
        """What makes twin 0 or 1 in DuckDB."""
        made = ["DROP SCHEMA IF EXISTS D.S CASCADE", "CREATE SCHEMA D.S", "USE D.S", KEYED[which]]
        for table in self.tables:
            columns = ", ".join(f'"{c}" {TYPES[NAMES[c]].replace("NUMBER", "DECIMAL")}' for c in table.columns)
            made.append(f'CREATE TABLE "{table.name}" ({columns})')
            rows = [", ".join(_literal(row[c]) for c in table.columns) for row in table.twins[which]]
            if rows:
                made.append(f'INSERT INTO "{table.name}" VALUES ({"), (".join(rows)})')
        if self.view is not None:
            made.append(f'CREATE VIEW "{VIEW}" AS {self.view}')
        return made


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"DATE '{value}'" if isinstance(value, date) else str(value)


def shows(row_filter: str | None, key: int | None) -> bool:
    """Whether a filter of `FILTERS` keeps a row with this key, as SQL's three-valued logic has it."""
    if row_filter is None:
        return True
    if key is None:
        return row_filter == "k = 2 OR k IS NULL"
    kept = {
        "k > 1": key > 1,
        "k <> 1": key != 1,
        "k = 2 OR k IS NULL": key == 2,
        "MOD(k, 2) = 0": key % 2 == 0,
        "k IS NOT NULL": True,
        "FALSE": False,
        "k IN (1, 2, 3)": key in (1, 2, 3),
    }
    return kept[row_filter]


def _alike(kind: Kind, mask: str, value: Any, dice: random.Random) -> Any:
    """Another value that the mask shows as it shows `value`."""
    others = VALUES[kind]
    if mask.startswith(("kind: token", "kind: hash")):
        return None if value is None else f"{value}{RENAMED}"
    if mask.startswith("kind: bucket"):
        others = () if value is None else tuple(o for o in others if o is not None and _edge(o) == _edge(value))
    elif mask.startswith("kind: round"):
        others = () if value is None else tuple(o for o in others if o is not None and _tens(o) == _tens(value))
    elif mask.startswith("kind: date_trunc"):
        others = () if value is None else tuple(o for o in others if o and o.replace(day=1) == value.replace(day=1))
    elif mask.startswith("kind: partial"):
        others = () if value is None else tuple(o for o in others if o is not None and _last(o) == _last(value))
    return dice.choice(others) if others else value


def _tens(number: int) -> int:
    return abs(number) // 10 * (1 if number > 0 else -1)


def _edge(number: int) -> int:
    return sum(number >= edge for edge in (0, 3, 20))


def _last(text: str) -> str:
    return text[-1] if len(text) >= 2 else "***"


@st.composite
def tables(draw: st.DrawFn, name: str) -> TableSketch:
    """One table. Its data comes from a seed, which shrinks as a whole: queries are what is worth shrinking."""
    others = draw(st.lists(st.sampled_from(sorted(set(NAMES) - {KEY})), min_size=1, max_size=4, unique=True))
    columns = (KEY, *sorted(others))
    masked = [c for c in columns if draw(st.sampled_from((True, False)))]
    masks = {c: draw(st.sampled_from(MASKS[NAMES[c]])) for c in masked}
    row_filter = draw(st.one_of(st.none(), st.sampled_from(FILTERS)))
    if row_filter is not None:
        masks.pop(KEY, None)
    rows, seed = draw(st.sampled_from((4, 6, 3, 1, 0))), draw(st.integers(0, 999))
    dice = random.Random(seed)  # noqa: S311 - data for a test
    first, second = [], []
    for _ in range(rows):
        row = {c: dice.choice(VALUES[NAMES[c]]) for c in columns}
        first.append(row)
        if shows(row_filter, row[KEY]):
            second.append({c: _alike(NAMES[c], masks[c], v, dice) if c in masks else v for c, v in row.items()})
        second += _hidden(row_filter, columns, dice)
    return TableSketch(name, columns, masks, row_filter, (first, second))


def _hidden(row_filter: str | None, columns: tuple[str, ...], dice: random.Random) -> list[Row]:
    """Up to two rows that the filter does not show."""
    rows = [{c: dice.choice(VALUES[NAMES[c]]) for c in columns} for _ in range(dice.randrange(3))]
    return [row for row in rows if not shows(row_filter, row[KEY])]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """One to three tables, called T0 and so on, and sometimes a view over the first with the same columns."""
    made = tuple(draw(tables(f"T{n}")) for n in range(draw(st.integers(1, 3))))
    view = None
    if draw(st.booleans()):
        first = made[0]
        shown = ", ".join(f"UPPER({c}) AS {c}" if NAMES[c] is Kind.TEXT else c for c in first.columns)
        where = draw(st.sampled_from(("", " WHERE k > 0", f" WHERE {first.columns[-1]} IS NOT NULL")))
        view = f"SELECT {shown} FROM D.S.{first.name}{where}"
    return World(made, view)
