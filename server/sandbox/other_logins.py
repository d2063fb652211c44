"""Credentials beside External OAuth: programmatic access tokens, key pairs, workload identities.

Sources: Snowflake, "Using programmatic access tokens for authentication", "Key-pair authentication and key-pair
rotation", "Workload identity federation".
"""

import base64
import hashlib
import secrets
from typing import Any

from cryptography.hazmat.primitives import serialization
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from server.sandbox.account import Account, User
from server.sandbox.replies import SnowflakeError

LEEWAY_S = 5
KEY_PAIR_TTL_S_MAX = 3_600
TOKEN_CHARS_MAX = 16_384


def check_enabled(user: User) -> None:
    """Raise SnowflakeError 390101 for a disabled user."""
    if user.disabled:
        raise SnowflakeError("390101", "28000", "User access disabled. Contact your local system administrator.")


def of_programmatic_token(account: Account, secret: str, now: float) -> tuple[User, str]:
    """Return whose token it is, and the one role that it may be used with.

    Raises SnowflakeError: 394400 (no token of anybody's, or an expired one), 390101 (user disabled).
    """
    digest = hashlib.sha256(secret.encode()).digest()
    for user in account.users.values():
        for token in user.tokens:
            if secrets.compare_digest(token.digest, digest) and now < token.expires_at:
                check_enabled(user)
                return user, token.role
    raise SnowflakeError("394400", "08001", "Programmatic access token is invalid.")


def of_key_pair(account: Account, token: str, now: float) -> User:
    """Return the user whose key signed the token: `iss` is ACCOUNT.USER.SHA256:fingerprint, `sub` is ACCOUNT.USER.

    Raises SnowflakeError: 390144 (not a valid JWT of this user), 390101 (user disabled).
    """
    for user in account.users.values():
        for pem in user.public_keys:
            claims = _claims(pem, token)
            named = f"{account.name}.{user.name}"
            if claims and claims.get("sub") == named and claims.get("iss") == f"{named}.{fingerprint(pem)}":
                _check_times(claims, now, KEY_PAIR_TTL_S_MAX)
                check_enabled(user)
                return user
    raise _invalid()


def of_workload(account: Account, provider: str, token: str, now: float) -> User:
    """Return the user whose WORKLOAD_IDENTITY names the token's issuer and subject, and one of its audiences.

    Raises SnowflakeError: 390144 (no such token or workload), 390101 (user disabled).
    """
    for issuer, keys in account.workload_keys.items() if provider == "OIDC" else ():
        for claims in filter(None, (_claims(pem, token) for pem in keys)):
            for user in account.users.values():
                known = user.workload
                if known is None or (known.issuer, known.subject) != (issuer, claims.get("sub")):
                    continue
                heard = claims.get("aud")
                audiences = {heard} if isinstance(heard, str) else set(heard or ())
                if claims.get("iss") != issuer or not audiences & known.audiences:
                    raise _invalid()
                _check_times(claims, now, None)
                check_enabled(user)
                return user
    raise _invalid()


def fingerprint(public_pem: str) -> str:
    """`SHA256:` and the base64 of the hash of the key's DER, as RSA_PUBLIC_KEY_FP shows it."""
    key = serialization.load_pem_public_key(public_pem.encode())
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def _claims(pem: str, token: str) -> dict[str, Any] | None:
    if not token or len(token) > TOKEN_CHARS_MAX:
        return None
    try:
        return jwt.decode(token, RSAKey.import_key(pem), algorithms=["RS256"]).claims
    except (JoseError, ValueError):
        return None


def _check_times(claims: dict[str, Any], now: float, ttl_s_max: float | None) -> None:
    issued, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(ends, int):
        raise _invalid()
    is_current = issued - LEEWAY_S <= now < ends + LEEWAY_S
    if not is_current or (ttl_s_max is not None and ends - issued > ttl_s_max):
        raise _invalid()


def _invalid() -> SnowflakeError:
    return SnowflakeError("390144", "08001", "JWT token is invalid.")
