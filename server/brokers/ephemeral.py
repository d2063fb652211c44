"""Ephemeral users: a user of Snowflake's for one session, with one role, dropped with it.

Nothing of one session can be seen from another: results, temporary tables and history belong to a user that is gone.
Dropping the user ends what it runs. Needs a broker that may create users and owns the roles that it gives.
Source: Snowflake, "CREATE USER".
"""

import base64
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from server.brokers.administrator import Administrator
from server.credentials import Credential, Handle, KeyPair
from server.refusals import SnowflakeUnavailable, StatementFailed
from server.spelling import literal, quoted

PREFIX = "SNOWGATE_EPHEMERAL_"


@dataclass(slots=True)
class EphemeralUsers:
    """Makes and drops them."""

    administrator: Administrator
    name: str = "ephemeral_user"

    def plan(self, subject: str) -> Handle | None:
        """The user's name."""
        return PREFIX + secrets.token_hex(10).upper()

    def issue(self, subject: str, role: str, handle: Handle | None) -> Credential:
        """The key of a new user who has this role alone; the key was made here and is nowhere else.

        Raises:
            SnowflakeUnavailable: Snowflake made no such user.
        """
        user, key = handle or "", rsa.generate_private_key(public_exponent=65537, key_size=2048)
        der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        try:
            self.administrator.run(
                f"CREATE USER {quoted(user)} TYPE = SERVICE_AGENT "
                f"RSA_PUBLIC_KEY = {literal(base64.b64encode(der).decode())} "
                f"DEFAULT_ROLE = {quoted(role)} DEFAULT_SECONDARY_ROLES = () DAYS_TO_EXPIRY = 1 "
                f"COMMENT = {literal('snowgate: one session of ' + subject)}"
            )
            self.administrator.run(f"GRANT ROLE {quoted(role)} TO USER {quoted(user)}")
        except StatementFailed as failure:
            refusal = SnowflakeUnavailable("snowflake made no user for this session", **failure.facts)
        else:
            return KeyPair(user, key)
        raise refusal

    def logged_in(self, handle: Handle | None) -> Handle | None:
        """The user lives as long as its session."""
        return handle

    def withdraw(self, handle: Handle) -> None:
        """Stop what the user runs, and drop it.

        Raises:
            SnowflakeUnavailable: it is not known to be gone.
        """
        try:
            self.administrator.run(f"ALTER USER IF EXISTS {quoted(handle)} SET DISABLED = TRUE")
            self.administrator.run(f"DROP USER IF EXISTS {quoted(handle)}")
        except StatementFailed as failure:
            raise SnowflakeUnavailable("a user could not be dropped", **failure.facts) from None

    def refused(self) -> bool:
        """Another user would be refused too."""
        return False
