"""Who asks: a person (subject) and the agent that acts for them (actor), as proven by a token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NewType, TypeAlias

Subject = NewType("Subject", str)
"""The person, as their issuer names them (RFC 9068 `sub`)."""

ClaimValue: TypeAlias = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Principal:
    """The proven caller of one call.

    `actor` is the agent: RFC 8693 `act.sub` where the token has one, else its `client_id`. `scopes` are OAuth scopes
    and nothing else. `claims` are the remaining scalar or string-list claims, for policy to match on. `delegates` are
    those through whom the actor came to act, nearest first; they are told, and nothing is decided by them (RFC 8693
    section 4.1). `session` names one sign-in at the issuer, or one token of a sign-in without a name; `sign_in` is the
    name of a sign-in alone.
    """

    subject: Subject
    actor: str
    issuer: str
    groups: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    claims: Mapping[str, ClaimValue] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    delegates: tuple[str, ...] = ()
    session: str = ""
    sign_in: str = ""
