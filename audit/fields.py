"""What may be known about each fact: the one table that says how a field is stored. What is not in it is secret."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType, NoneType
from typing import TypeAlias

from audit.canonical import NotCanonical, is_name

Plain: TypeAlias = str | int | float | bool | None

Fact: TypeAlias = Plain | Sequence[Plain]
"""A value that the line notes. Floats only in secret fields: bytes that are hashed hold none."""

Facts: TypeAlias = Mapping[str, Fact]


_SPELLABLE = (str, int, NoneType)
_PLAIN = (*_SPELLABLE, float)


class Classification(StrEnum):
    """How a field is stored: in clear, encrypted, or as a keyed hash that can be matched but not read."""

    PUBLIC = "public"
    SENSITIVE = "sensitive"
    SECRET = "secret"  # noqa: S105  # the word, not a password


_PUBLIC = (
    # who
    "subject", "actor", "issuer", "groups", "scopes", "client", "transport", "era", "session", "delegates", "fault",
    # what was asked, with a placeholder for each literal
    "tool", "sql", "verb", "tables", "beneath", "functions",
    # what was decided, and from what
    "decision", "code", "rules", "policy", "catalog", "parser", "masked", "filtered", "hold_id",
    "budgets", "padded_ms",
    "estimate_rows", "estimate_bytes", "session_statements", "session_refusals", "session_rows",
    "session_tables", "session_classifications",
    # what a policy that is not in force would have decided
    "shadow", "shadow_decision", "shadow_code", "shadow_rules", "shadow_differs",
    # what a person was shown of a hold, and said
    "approval", "bound", "shown", "risk", "rows_measured", "expires_at", "verdict", "via", "break_glass", "missing",
    "requester", "undo",
    # what ran
    "role", "warehouse", "rows_max", "rows", "rows_affected", "truncated", "query_id", "duration_ms",
    "driver_errno", "driver_sqlstate",
    # sessions of Snowflake's: what was opened, and how
    "lease_id", "session_id", "broker",
    # who was turned away, by whom
    "revocation", "revoked_kind", "revoked_name", "operator", "limit", "retry_after_s",
    # the journal about itself
    "key_id", "signed_by", "month", "next_stream", "entries", "size", "outcome", "matter", "found", "findings",
    "effect", "stream", "n", "purged", "clock_ahead_ms",
)  # fmt: skip

# Free text by people, agents and drivers quotes values, so it is never stored in clear.
_SENSITIVE = (
    "reason", "purpose", "crash", "driver_message",
    # what was asked word for word, so that the decision can be derived again; the first rows of an answer
    "inputs", "sample",
)  # fmt: skip

_SECRET = (
    "literals", "parameters", "arguments_digest",
    # what somebody looked for in the journal
    "sought_call", "sought_subject", "sought_stage", "sought_session",
)  # fmt: skip

SENSITIVE = frozenset(_SENSITIVE)
"""Fields that are encrypted, for the person that the entry is about where it says who that is."""

FIELDS: Mapping[str, Classification] = MappingProxyType(
    dict.fromkeys(_PUBLIC, Classification.PUBLIC)
    | dict.fromkeys(_SENSITIVE, Classification.SENSITIVE)
    | dict.fromkeys(_SECRET, Classification.SECRET)
)


def classify(field: str) -> Classification:
    """How `field` is stored; a field that nobody has classified is secret."""
    return FIELDS.get(field, Classification.SECRET)


def check_facts(facts: Facts) -> None:
    """Refuse now, where it can still be refused, what could not be made an entry later.

    Raises:
        NotCanonical: a field's name is not a short lower-case name, or a value is not a `Fact`.
    """
    for field, value in facts.items():
        classification = FIELDS.get(field)
        if classification is None and not is_name(field):
            raise NotCanonical("a field whose name is not a short lower-case name")
        if type(value) is str:
            continue
        allowed = _PLAIN if classification is None or classification is Classification.SECRET else _SPELLABLE
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if not isinstance(item, allowed):
                raise NotCanonical(f"a value in the field `{field}` that is no fact")
