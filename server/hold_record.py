"""One hold as the program knows it, and the sealed part of its row: what is asked, with its effect, word for word."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from pydantic import TypeAdapter

from audit.sealing import Sealer
from policy.approving import Vote
from policy.effects import Effect, Risk
from tools.contract import Scalar

HoldId = NewType("HoldId", str)
Claim = NewType("Claim", str)
"""The right to run one approved hold, once; whoever holds another one must not run it."""


class State(StrEnum):
    """Where a hold is on its way. The first three are alive; the rest are ends."""

    OPEN = "open"
    APPROVED = "approved"
    EXECUTING = "executing"
    EXECUTED = "executed"
    FAILED = "failed"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    STALE = "stale"


ALIVE = frozenset({State.OPEN, State.APPROVED, State.EXECUTING})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is asked about.

    `text` is the caller's own, `sql` is what runs. `objects` are
    the tables that it names (database, schema, name), the target first, each with the digest of its catalog facts.
    """

    text: str
    parameters: tuple[Scalar, ...]
    reason: str
    is_write: bool
    rows_max: int | None
    sql: str
    role: str
    warehouse: str
    objects: tuple[tuple[str, str, str, str], ...]
    effect: Effect
    risk: Risk
    risk_reasons: tuple[str, ...]
    statement_timeout_s: int


_ASKED = TypeAdapter(Asked)


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asked, as their token proved it."""

    issuer: str
    subject: str
    actor: str

    def facts(self) -> dict[str, str]:
        """As a mapping, for `policy.approving.why_not`."""
        return {"issuer": self.issuer, "subject": self.subject, "actor": self.actor}


@dataclass(frozen=True, slots=True)
class Said(Vote):
    """A vote with who cast it through what, when, and why; the reason is empty where it is not to be read."""

    actor: str = ""
    via: str = ""
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A hold. `asked` is None once the hold is settled: what it showed is forgotten, for it quotes values."""

    id: HoldId
    call_id: str
    tool: str
    requester: Requester
    state: State
    bound: bytes
    policy: str
    entry: str
    summary: Mapping[str, Any]
    asked: Asked | None
    opened_at: datetime
    expires_at: datetime
    is_escalated: bool
    claim: Claim | None
    session_id: int | None
    settled_at: datetime | None
    outcome: Mapping[str, Any]
    votes: tuple[Said, ...] = field(default=())


def seal(sealer: Sealer, hold_id: str, asked: Asked) -> str:
    """The sealed part of a row, which opens for this hold alone."""
    return sealer.encrypt(_ASKED.dump_json(asked), f"hold/{hold_id}")


def unseal(sealer: Sealer, hold_id: str, body: str) -> Asked | None:
    """What `seal` was given; None for a settled hold.

    Raises:
        Unsealable: another key, another hold, or bytes that somebody changed.
    """
    return _ASKED.validate_json(sealer.decrypt(body, f"hold/{hold_id}")) if body else None


def bound_digest(asked_digest: bytes, entry: str, asked: Asked, expires_at: datetime) -> bytes:
    """SHA-256 over all that an approval is about: who asks what, its measured effect, who must approve, until when."""
    digest = hashlib.sha256(b"snowgate hold v2\0")
    for part in (asked_digest, entry.encode(), _ASKED.dump_json(asked), expires_at.isoformat().encode()):
        digest.update(len(part).to_bytes(8) + part)
    return digest.digest()
