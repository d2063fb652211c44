"""What a write may not do: carry protected data, or let what it changes depend on data that its caller cannot see."""

from collections.abc import Sequence

from policy.decision import Deny, RuleId
from policy.exposure import Exposures
from policy.mask_back import refuse_masked
from policy.refusal import PolicyCode
from policy.rewrite import Writer, Written
from policy.statement import SqlStatement, Verb

_NOBODY = frozenset[RuleId]()


def refuse_write(
    exposures: Exposures, writer: Writer, statement: SqlStatement, sources: Sequence[Written]
) -> Deny | None:
    """The refusal of a write that meets protected data, or None. A write's text keeps plain names, so it must not."""
    shape = statement.tree.shape
    for n, (place, written) in enumerate(zip(statement.tree.places, sources, strict=True)):
        table = writer.table(place.table)
        if not place.is_target:
            if written.is_masked or written.is_filtered:
                return _deny(
                    f"`{place.table}` is masked or filtered for you, so a write cannot read it",
                    "write values that you state yourself",
                    n,
                )
            continue
        if table is None or writer.is_view(place.table):
            return _deny(f"`{place.table}` is not a table that can be written", "write to a table", n)
        exposure = exposures.of(table)
        if exposure.filters:
            return _deny(
                f"you see only some rows of `{place.table}`, so you cannot write to it",
                "ask someone who sees the whole table",
                n,
            )
        masked = {column.name for column in exposure.columns if column.mask is not None}
        # What an INSERT looks at are columns of its sources, and those were judged above.
        looked_at = [] if statement.verb is Verb.INSERT else sorted(masked & shape.values)
        if looked_at or (masked and shape.has_star and statement.verb is not Verb.INSERT):
            shown = looked_at[0] if looked_at else "*"
            return _deny(
                f"`{shown}` of `{place.table}` is masked for you, so a write cannot depend on it",
                "use columns that are clear to you in conditions and expressions; masked columns may only be assigned",
                n,
            )
        written_back = refuse_masked(exposures, table, shape.assigned)
        if written_back is not None:
            return written_back
    return None


def _deny(message: str, hint: str, place: int) -> Deny:
    return Deny(_NOBODY, PolicyCode.NOT_PERMITTED, message, hint, place)
