"""Is this login's credential good? The look-alike's answer, made of the checks that Snowflake makes.

External OAuth access tokens are verified here; programmatic access tokens, key pairs and workload identities in
`other_logins`. Passwords are refused, as on an account that has none.

Sources: Snowflake, "External OAuth overview" and "Configure custom clients for External OAuth"; RFC 7519 section 4.1.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import RSAKey

from server.sandbox import other_logins
from server.sandbox.account import Account, ExternalOAuth, Role, User
from server.sandbox.replies import SnowflakeError

LEEWAY_S = 5
TOKEN_CHARS_MAX = 16_384
ROLE_SCOPE = "session:role:"


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """What a driver sends to open a session. The role travels in the query string, the rest in the body."""

    authenticator: str
    login_name: str
    token: str
    role: str
    secondary_roles: str
    provider: str = ""

    @classmethod
    def read(cls, body: dict[str, Any], query: dict[str, str]) -> "LoginRequest":
        """Take the request apart; what is missing or no text is empty."""

        def text(value: object) -> str:
            return value if isinstance(value, str) else ""

        return cls(
            authenticator=text(body.get("AUTHENTICATOR")).upper() or "SNOWFLAKE",
            login_name=text(body.get("LOGIN_NAME")),
            token=text(body.get("TOKEN")),
            role=_identifier(query.get("roleName", "")),
            secondary_roles=text(body.get("SECONDARY_ROLES")).upper(),
            provider=text(body.get("PROVIDER")).upper(),
        )


@dataclass(frozen=True, slots=True)
class Login:
    """A proven login: this user, with this one role; whether it can change to another role of its user's."""

    user: User
    role: Role
    may_change_role: bool = False


class Logins:
    """Verifies logins against one account."""

    def __init__(self, account: Account, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self._clock = clock
        self._keys = {each.issuer: tuple(map(RSAKey.import_key, each.public_keys)) for each in account.integrations}

    def verify(self, request: LoginRequest) -> Login:
        """Return the user and role that the credential proves.

        Raises SnowflakeError: 390100 (no such way to log in), 390303 (not a token for this account), 390318 (expired),
        390317 (role not in the token), 390309 (token of another user), 390101 (user disabled), 390189 (not the
        user's role), 394400 (not a programmatic access token), 390144 (no valid JWT of a key or of a workload).
        """
        match request.authenticator:
            case "OAUTH":
                claims, integration = self._claims(request.token)
                user = self._user(claims, request)
                return Login(user, self._role(claims, integration, user, request))
            case "PROGRAMMATIC_ACCESS_TOKEN":
                user, only = other_logins.of_programmatic_token(self._account, request.token, self._clock())
                return Login(user, self._role_of(user, request.role, only))
            case "SNOWFLAKE_JWT":
                user = other_logins.of_key_pair(self._account, request.token, self._clock())
                return Login(user, self._role_of(user, request.role), may_change_role=True)
            case "WORKLOAD_IDENTITY":
                user = other_logins.of_workload(self._account, request.provider, request.token, self._clock())
                return Login(user, self._role_of(user, request.role), may_change_role=True)
            case _:
                raise SnowflakeError("390100", "28000", "Incorrect username or password was specified.")

    def _role_of(self, user: User, wanted: str, only: str | None = None) -> Role:
        """The role of a login whose credential names none, or restricts it to one."""
        name = wanted or only or user.default_role
        if name not in user.roles or (only is not None and name != only):
            raise _not_theirs(name)
        return self._account.role(name)

    def _claims(self, token: str) -> tuple[dict[str, Any], ExternalOAuth]:
        if not token or len(token) > TOKEN_CHARS_MAX:
            raise _invalid()
        for integration in self._account.integrations:
            for key in self._keys[integration.issuer]:
                try:
                    decoded = jwt.decode(token, key, algorithms=["RS256"])
                except (JoseError, ValueError):
                    continue
                self._check(decoded.claims, integration)
                return decoded.claims, integration
        raise _invalid()

    def _check(self, claims: dict[str, Any], integration: ExternalOAuth) -> None:
        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": integration.issuer},
            aud={"essential": True, "values": sorted(integration.audiences)},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        try:
            registry.validate(claims)
        except ExpiredTokenError:
            raise SnowflakeError("390318", "08001", "OAuth access token expired.") from None
        except (JoseError, ValueError, TypeError):
            raise _invalid() from None

    def _user(self, claims: dict[str, Any], request: LoginRequest) -> User:
        subject = claims["sub"]
        user = self._account.user(subject) if isinstance(subject, str) else None
        if user is None:
            raise _invalid()
        if request.login_name and request.login_name.upper() != user.login_name:
            raise SnowflakeError(
                "390309",
                "08001",
                "The user you were trying to authenticate as differs from the user tied to the access token.",
            )
        other_logins.check_enabled(user)
        return user

    def _role(self, claims: dict[str, Any], integration: ExternalOAuth, user: User, request: LoginRequest) -> Role:
        in_token = _roles_in(claims)
        wanted = request.role or (next(iter(in_token)) if len(in_token) == 1 else user.default_role)
        if wanted in integration.blocked_roles or wanted not in in_token:
            raise SnowflakeError(
                "390317",
                "08001",
                "Role requested in connect request, or the default role if none was requested, is not listed in the "
                "Access Token or was filtered. Please specify another role, or contact your OAuth Authorization "
                "server administrator.",
            )
        if wanted not in user.roles:
            raise _not_theirs(wanted)
        return self._account.role(wanted)


def _not_theirs(role: str) -> SnowflakeError:
    return SnowflakeError(
        "390189",
        "08001",
        f"Role '{role}' specified in the connect string does not exist or not authorized. Contact your "
        "local system administrator, or attempt to login with another role, e.g. PUBLIC.",
    )


def _roles_in(claims: dict[str, Any]) -> frozenset[str]:
    """Return the roles that the `scp` claim names, as a list or as text separated by spaces or commas."""
    scopes = claims.get("scp", [])
    if isinstance(scopes, str):
        scopes = scopes.replace(",", " ").split()
    if not isinstance(scopes, list):
        return frozenset()
    return frozenset(
        _identifier(scope[len(ROLE_SCOPE) :])
        for scope in scopes
        if isinstance(scope, str) and scope.lower().startswith(ROLE_SCOPE)
    )


def _identifier(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text.upper()


def _invalid() -> SnowflakeError:
    return SnowflakeError("390303", "08001", "Invalid OAuth access token.")
