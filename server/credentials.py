"""Credentials for Snowflake, and what makes them: each opens one session, names one user, and is then forgotten.

A broker is a way that Snowflake knows to make a credential short-lived; each is a module of `server.brokers`.
"""

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An External OAuth access token; it names its user and role itself."""

    token: SecretStr


@dataclass(frozen=True, slots=True)
class WorkloadToken:
    """An OIDC token of a workload identity; it names its user itself."""

    token: SecretStr


@dataclass(frozen=True, slots=True)
class ProgrammaticToken:
    """A programmatic access token; it names its user itself, and is restricted to one role."""

    token: SecretStr


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A user and the private key that logs in as that user."""

    user: str
    key: RSAPrivateKey = field(repr=False)


Credential: TypeAlias = AccessToken | WorkloadToken | ProgrammaticToken | KeyPair
"""What opens one session. Its secret is shown by no repr, and is taken out in the call that logs in."""

Handle: TypeAlias = str
"""Names what a broker made in Snowflake for one session, and has to take away again. It is no secret."""


class Broker(Protocol):
    """Makes a credential for each session. All of it may block; it runs in worker threads."""

    @property
    def name(self) -> str:
        """The way that this broker goes, as in the settings."""

    def plan(self, subject: str) -> Handle | None:
        """What will have to be taken away after the next session of `subject`, so that it is known before it exists."""

    def issue(self, subject: str, role: str, handle: Handle | None) -> Credential:
        """A credential that opens a session of `subject` in `role`.

        Raises:
            SnowflakeUnavailable: Snowflake made none.
        """

    def logged_in(self, handle: Handle | None) -> Handle | None:
        """The credential has opened its session; what has to be taken away when that ends.

        Raises:
            SnowflakeUnavailable: the credential could not be made useless.
        """

    def withdraw(self, handle: Handle) -> None:
        """Take away what `handle` names; again is harmless. Raises SnowflakeUnavailable if that is not known."""

    def refused(self) -> bool:
        """Snowflake did not take the credential; whether another one may fare better."""
