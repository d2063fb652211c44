"""What one audience meets of each table: which columns are clear or masked how, and which row filters apply.

A column that no pattern calls public and no classification knows is secret: NULL for everyone. Only in a view whose
text is known may such a column appear, because it is computed from columns that are protected where they come from.
Where the tags of a table are not known (yet), each of its columns may have any.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policy.catalog import Column, Table
from policy.masks import EmailDomain, Mask, Null, Partial, Redact, Token, describe, fitted, masked_sql, strongest
from policy.names import TableName, quote
from policy.patterns import Pattern
from policy.rulebook import Policy, RowFilter
from policy.sqltypes import parse_type

SOURCE_ALIAS = "__GW_R"
"""What a protected table is called inside the derived table that stands for it."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """One column as an audience meets it: its value, as SQL over the raw table, and its mask or None if it is clear.

    `classes` are the classifications that know it.
    """

    name: str
    value: str
    mask: Mask | None
    classes: tuple[str, ...] = ()

    def sql(self, condition: str) -> str:
        """The column in the derived table; with a `condition`, it has its value only in rows that meet it."""
        value = (
            f"CASE WHEN {condition} THEN {self.value} END" if condition and SOURCE_ALIAS in self.value else self.value
        )
        return f"{value} AS {quote(self.name)}"

    @property
    def how(self) -> str:
        """In words: `clear` or `masked: <how>`."""
        return "clear" if self.mask is None else f"masked: {describe(self.mask)}"


@dataclass(frozen=True, slots=True)
class Exposure:
    """One table as an audience meets it. `is_named_public`: policy names the table and calls each column public."""

    columns: tuple[Appearance, ...]
    filters: tuple[RowFilter, ...]
    is_named_public: bool
    names: frozenset[str]


class Exposures:
    """The exposure of every table to one audience, worked out when first asked for.

    `outside` holds the indices of the mask rules and row filters that spare this audience.
    """

    def __init__(self, policy: Policy, masks_off: frozenset[int], filters_off: frozenset[int]) -> None:
        self._policy = policy
        self._classes = _masks_by_class(policy, masks_off)
        masks = frozenset(mask for each in self._classes.values() for mask in each)
        self._unmistakable = frozenset(m for m in masks if isinstance(m, Redact | EmailDomain | Partial | Token))
        self._filters = [each for n, each in enumerate(policy.row_filters) if n not in filters_off]
        self._known: dict[int, tuple[Table, Exposure]] = {}

    def of(self, table: Table) -> Exposure:
        """The exposure of `table`."""
        known = self._known.get(id(table))
        if known is None:
            known = (table, self.expose(table))
            self._known[id(table)] = known
        return known[1]

    def filters_on(self, name: TableName) -> tuple[RowFilter, ...]:
        """The row filters that apply to a table of that `name`, whether it is there or not."""
        return tuple(each for each in self._filters if _any(each.tables, name.parts))

    def shown_instead(self, mask: Mask) -> frozenset[Mask]:
        """What a column that `mask` hides is shown as, and what others are whose results nothing else looks like."""
        return self._unmistakable | {mask}

    def is_past_open(self, name: TableName) -> bool:
        """Whether the policy opens what `name` held at an earlier time."""
        return _any(self._policy.time_travel, name.parts)

    def expose(self, table: Table) -> Exposure:
        """The exposure of a `table` that need not be in the catalog, worked out anew."""
        name = table.name.parts
        assumed = () if table.are_tags_known else tuple(each.name for each in self._policy.classifications if each.tags)
        is_secret = any(self._classes[name] for name in assumed)
        public = [pattern for pattern in self._policy.public if _reaches(pattern, name)]
        classes = [
            (each, [pattern for pattern in each.columns if _reaches(pattern, name)])
            for each in self._policy.classifications
        ]
        is_inherited = table.is_its_text
        appearances: list[Appearance] = []
        for column in table.columns:
            classified = [
                each.name
                for each, patterns in classes
                if not each.tags.isdisjoint(tag.upper() for tag in column.tags)
                or any(p.parts[3].matches(column.name) for p in patterns)
            ]
            # What Snowflake itself masks, a wildcard does not call public: somebody has thought of that column.
            naming = [p.parts[3] for p in public if p.parts[3].is_exact or not column.native_policies]
            is_clear = is_inherited or any(part.matches(column.name) for part in naming)
            mask = Null() if is_secret else self._mask(column, classified, is_clear=is_clear)
            appearances.append(_appearance(column, mask, tuple(dict.fromkeys((*classified, *assumed)))))
        named = all(
            any(p.parts[2].is_exact and p.parts[3].matches(column.name) for p in public) for column in table.columns
        )
        is_named_public = named and all(each.mask is None for each in appearances)
        names = frozenset(each.name for each in appearances)
        return Exposure(tuple(appearances), self.filters_on(table.name), is_named_public, names)

    def _mask(self, column: Column, classified: Sequence[str], *, is_clear: bool) -> Mask | None:
        if not classified:
            return None if is_clear else Null()
        type_ = parse_type(column.type)
        return strongest(fitted(mask, type_) for name in classified for mask in self._classes[name])


def _masks_by_class(policy: Policy, masks_off: frozenset[int]) -> dict[str, tuple[Mask, ...]]:
    """The masks of each classification; one that the policy gives no mask is NULL for everyone."""
    classes: dict[str, tuple[Mask, ...]] = {}
    for classification in policy.classifications:
        rules = [(n, rule) for n, rule in enumerate(policy.masks) if rule.classification == classification.name]
        applying = tuple(rule.mask for n, rule in rules if n not in masks_off)
        classes[classification.name] = applying if rules else (Null(),)
    return classes


def _appearance(column: Column, mask: Mask | None, classes: tuple[str, ...]) -> Appearance:
    raw = f"{quote(SOURCE_ALIAS)}.{quote(column.name)}"
    sql = raw if mask is None else masked_sql(mask, parse_type(column.type), raw)
    return Appearance(column.name, sql, mask, classes)


def _any(patterns: Iterable[Pattern], name: tuple[str, ...]) -> bool:
    return any(pattern.matches(name) for pattern in patterns)


def _reaches(pattern: Pattern, table: tuple[str, ...]) -> bool:
    """Whether a column pattern's first three parts mean `table`."""
    return all(part.matches(each) for part, each in zip(pattern.parts, table, strict=False))
