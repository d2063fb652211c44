"""What a policy that loads may still have wrong: entries that do nothing, and what nobody seems to have meant.

Each finding is a doubt and not an error: a pattern may be written for a table that is still to come.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from policy.catalog import Catalog, Table
from policy.coverage import covers_who, shadows
from policy.decision import Effect
from policy.patterns import Pattern
from policy.rulebook import Policy, Rule
from policy.statement import TABLE_CHANGES, WRITES, Verb

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One doubt. `kind` is a stable word; `path` leads to the entry in the document."""

    kind: str
    message: str
    path: Path


def findings(policy: Policy, catalog: Catalog | None = None) -> Iterator[Finding]:
    """Every doubt about `policy`; with a `catalog`, also about entries that mean nothing in it."""
    yield from _shadowed(policy)
    yield from _never(policy)
    yield from _masks(policy)
    yield from unanswerable(policy)
    if catalog is not None:
        yield from _missing(policy, tuple(catalog.tables.values()))


def _path_of(policy: Policy, rule: Rule) -> Path:
    """Where a rule stands; those of a rule set stand where they are included."""
    own = [each for each in policy.rules if "/" not in each.id]
    return ("rules", own.index(rule)) if rule in own else ("include",)


def _shadowed(policy: Policy) -> Iterator[Finding]:
    for rule, other in shadows(policy.rules):
        why = "says the same and more" if rule.effect is other.effect else f"is a {other.effect} on all that it means"
        yield Finding(
            "shadowed_rule", f"the rule `{rule.id}` changes nothing: `{other.id}` {why}", _path_of(policy, rule)
        )


def _never(policy: Policy) -> Iterator[Finding]:
    for rule in policy.rules:
        path = _path_of(policy, rule)
        if rule.when is not None and not rule.when.names:
            holds = rule.when.holds()
            applies = holds is True if rule.effect is Effect.PERMIT else holds is not False
            word = "always applies" if applies else "never applies"
            yield Finding("constant_condition", f"the condition of `{rule.id}` asks for nothing: it {word}", path)
        if rule.unless is not None and covers_who(rule.unless, rule.who):
            yield Finding("never_matching_rule", f"the rule `{rule.id}` spares everybody whom it means", path)
        writes = rule.verbs and rule.verbs <= WRITES
        if rule.effect is not Effect.FORBID and writes and all(role.write_role is None for role in policy.roles):
            yield Finding("never_matching_rule", f"the rule `{rule.id}` lets people write, and no role writes", path)
        if not policy.roles:
            yield Finding("never_matching_rule", f"the rule `{rule.id}` is for nobody: there are no roles", path)
    for n, role in enumerate(policy.roles):
        before = next((each for each in policy.roles[:n] if covers_who(each.who, role.who)), None)
        if before is not None:
            message = f"the role `{role.id}` is never taken: `{before.id}` stands before it and means the same people"
            yield Finding("unreachable_role", message, ("roles", n))


def _masks(policy: Policy) -> Iterator[Finding]:
    masked = {mask.classification for mask in policy.masks}
    for n, each in enumerate(policy.classifications):
        if each.name not in masked:
            message = f"the classification `{each.name}` has no mask, so its columns are NULL for everyone"
            yield Finding("classification_without_mask", message, ("classifications", n))
    for n, mask in enumerate(policy.masks):
        if mask.unless is not None and mask.unless.anyone:
            message = f"the mask of `{mask.classification}` spares everybody"
            yield Finding("unused_mask", message, ("masks", n))


def unanswerable(policy: Policy) -> Iterator[Finding]:
    """Rules that hold what nobody can approve: a statement that they hold can never run."""
    for rule in policy.rules:
        held = rule.verbs - {Verb.DESCRIBE} if rule.effect is Effect.HOLD else rule.verbs & TABLE_CHANGES
        if rule.effect is Effect.FORBID:
            continue
        left = sorted(v for v in held if not any(entry.may_cover(rule.id, v) for entry in policy.approving.entries))
        if left:
            message = f"nobody can approve what `{rule.id}` holds: no entry of `approvals` covers {', '.join(left)}"
            yield Finding("nobody_approves", message, _path_of(policy, rule))


def _missing(policy: Policy, tables: Sequence[Table]) -> Iterator[Finding]:
    yield from _missing_tables(policy, tables)
    for n, pattern in enumerate(policy.public):
        if not _means_a_column([pattern], frozenset(), tables):
            yield Finding("unused_pattern", f"`{pattern.written}` means no column of the catalog", ("public", n))
    for n, each in enumerate(policy.classifications):
        if not _means_a_column(each.columns, each.tags, tables):
            message = f"the classification `{each.name}` knows no column of the catalog"
            yield Finding("unused_classification", message, ("classifications", n))
            masks = [m for m, mask in enumerate(policy.masks) if mask.classification == each.name]
            yield from (Finding("unused_mask", f"the mask of `{each.name}` masks nothing", ("masks", m)) for m in masks)


def _missing_tables(policy: Policy, tables: Sequence[Table]) -> Iterator[Finding]:
    for rule in policy.rules:
        path = _path_of(policy, rule)
        dead = [n for n, pattern in enumerate(rule.tables) if not _means_a_table(pattern, tables)]
        if len(dead) == len(rule.tables):
            yield Finding("never_matching_rule", f"the rule `{rule.id}` means no table of the catalog", path)
            continue
        for n in dead:
            message = f"`{rule.tables[n].written}` of the rule `{rule.id}` means no table of the catalog"
            yield Finding("unused_pattern", message, (*path, "tables", n))
    for n, row_filter in enumerate(policy.row_filters):
        if not any(_means_a_table(pattern, tables) for pattern in row_filter.tables):
            message = f"the row filter `{row_filter.id}` means no table of the catalog"
            yield Finding("unused_row_filter", message, ("row_filters", n))
    entries = [("budgets", n) for n in range(len(policy.budgets))] + [
        ("padding", n) for n in range(len(policy.paddings))
    ]
    for path, concern in zip(entries, policy.concerns(), strict=True):
        for m, pattern in enumerate(concern.tables):
            if not _means_a_table(pattern, tables):
                message = f"`{pattern.written}` means no table of the catalog, so nothing of it is counted or padded"
                yield Finding("unused_pattern", message, (*path, "tables", m))


def _means_a_table(pattern: Pattern, tables: Iterable[Table]) -> bool:
    return any(pattern.matches(t.name.parts) for t in tables)


def _means_a_column(patterns: Iterable[Pattern], tags: frozenset[str], tables: Iterable[Table]) -> bool:
    written = tuple(patterns)
    return any(
        any(tag.upper() in tags for tag in column.tags) or any(p.matches((*t.name.parts, column.name)) for p in written)
        for t in tables
        for column in t.columns
    )
