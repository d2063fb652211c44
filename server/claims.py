"""Claims become a principal: where each issuer keeps groups, names and scopes is its trust's to say.

What cannot be read whole is refused and not left out: a group that is missing could be one that a rule forbids.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from policy.principal import ClaimValue, Principal, Subject
from server.faults import Fault
from server.issuers import ClaimPath, IssuerTrust
from server.refusals import Unauthenticated
from server.tokens import Claims

NAME_LENGTH_MAX = 255
"""Characters of a subject, an actor or a group; OpenID Connect bounds `sub` so."""

GROUPS_MAX = 1_000
DELEGATES_MAX = 8


@dataclass(frozen=True, slots=True)
class ClaimsReader:
    """Reads the verified claims of one issuer.

    `foreign` are the other issuers' prefixes, which none of its names may begin with.
    """

    trust: IssuerTrust
    foreign: tuple[str, ...] = ()

    def client_id(self, claims: Claims) -> str:
        """The client that the token was issued to (RFC 9068 section 2.2, or the provider's own claim)."""
        for path in self.trust.clients:
            found = _at(claims, path)
            if found is not None:
                return self._own(found, Fault.CLIENT, "the access token names no client")
        raise Unauthenticated("the access token names no client", Fault.CLIENT)

    def principal(self, claims: Claims, session: str) -> Principal:
        """The principal that `claims` prove; `session` names a sign-in whose token has no name of its own.

        Raises:
            Unauthenticated: a claim that matters is missing, misshapen or not whole.
        """
        actor, delegates = self._actors(claims)
        return Principal(
            subject=Subject(self._subject(claims)),
            actor=actor or self.client_id(claims),
            issuer=self.trust.issuer,
            groups=frozenset(self._groups(claims)),
            scopes=frozenset(self._scopes(claims)),
            claims=MappingProxyType(dict(self._told(claims))),
            delegates=delegates,
            session=self.trust.prefix + (_named(claims, "sid") or _named(claims, "jti") or session),
            sign_in=_named(claims, "sid"),
        )

    def _subject(self, claims: Claims) -> str:
        if self.trust.subject[-1] == "email" and _at(claims, (*self.trust.subject[:-1], "email_verified")) is False:
            raise Unauthenticated("the issuer has not verified the person's address", Fault.SUBJECT)
        return self._own(_at(claims, self.trust.subject), Fault.SUBJECT, "the access token names no subject")

    def _actors(self, claims: Claims) -> tuple[str | None, tuple[str, ...]]:
        """The current actor, and those before it (RFC 8693 section 4.1)."""
        chain: list[str] = []
        link = claims.get("act")
        while link is not None:
            if not isinstance(link, dict) or len(chain) > DELEGATES_MAX:
                raise Unauthenticated("the access token's actor cannot be read", Fault.ACTOR)
            chain.append(self._own(link.get("sub"), Fault.ACTOR, "the access token's actor cannot be read"))
            link = link.get("act")
        return (chain[0], tuple(chain[1:])) if chain else (None, ())

    def _groups(self, claims: Claims) -> Iterator[str]:
        elsewhere = claims.get("_claim_names")
        for path in self.trust.groups:
            if isinstance(elsewhere, dict) and path[0] in elsewhere:
                raise _too_many_groups()
            if path == ("groups",) and claims.get("hasgroups"):
                raise _too_many_groups()
            found = _at(claims, path)
            for group in _listed(found):
                yield self._own(group, Fault.GROUPS, "the access token's groups cannot be read")

    def _scopes(self, claims: Claims) -> Iterator[str]:
        """Scopes of ours, without the issuer's prefix (RFC 6749 section 3.3; RFC 9068 section 2.2.3)."""
        prefix = self.trust.scope_prefix
        for path in self.trust.scopes:
            found = _at(claims, path)
            names = found.split(" ") if isinstance(found, str) else found if isinstance(found, list) else ()
            for name in names:
                if isinstance(name, str) and name.startswith(prefix) and len(name) > len(prefix):
                    yield name.removeprefix(prefix)

    def _told(self, claims: Claims) -> Iterator[tuple[str, ClaimValue]]:
        """Claims for policy to match on: those at the top, then those that the trust names, which win."""
        for name, raw in claims.items():
            if (value := _claim(raw)) is not None:
                yield name, value
        for name, path in self.trust.claims.items():
            if (value := _claim(_at(claims, path))) is not None:
                yield name, value

    def _own(self, value: object, fault: Fault, message: str) -> str:
        """`value` as a name of this issuer's own, which no other issuer could have given."""
        if not isinstance(value, str) or not value.strip() or len(value) > NAME_LENGTH_MAX or not value.isprintable():
            raise Unauthenticated(message, fault)
        if any(value.startswith(prefix) for prefix in self.foreign):
            raise Unauthenticated("the access token names what is another issuer's", fault)
        return self.trust.prefix + value


def _too_many_groups() -> Unauthenticated:
    """Entra ID's overage: the token says where the groups could be asked for instead of naming them."""
    hint = "The person is in more groups than their token can carry. An operator finds the remedy in docs/IDENTITY.md."
    return Unauthenticated("the access token does not carry the person's groups", Fault.GROUPS, hint)


def _listed(found: object) -> list[object]:
    match found:
        case None:
            return []
        case str():
            return [found]
        case list() if len(found) <= GROUPS_MAX:
            return found
        case _:
            raise Unauthenticated("the access token's groups cannot be read", Fault.GROUPS)


def _named(claims: Claims, name: str) -> str:
    """`sid` (OpenID Connect Front-Channel Logout 3) names a sign-in, `jti` one token of it; empty if it does not."""
    value = claims.get(name)
    is_name = isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= NAME_LENGTH_MAX
    return str(value) if is_name else ""


def _at(claims: Claims, path: ClaimPath) -> Any:
    """What is at `path`; None if a step leads nowhere."""
    found: Any = claims
    for step in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def _claim(raw: object) -> ClaimValue | None:
    match raw:
        case str() | bool() | int():
            return raw
        case list() if all(isinstance(item, str) for item in raw):
            return tuple(raw)
        case _:
            return None
