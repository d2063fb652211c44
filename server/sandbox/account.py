"""The look-alike's account: who may log in with which roles, what a role may touch, which tokens are believed.

These are the facts that an administrator of a real account would have set up once with CREATE USER, CREATE ROLE, GRANT
and CREATE SECURITY INTEGRATION.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from server.sandbox import tagging

ACCOUNT_NAME = "SANDBOX"
WAREHOUSE = "GATE_WH"
DATABASES = frozenset({"CRM", "TPCH"})
EVERYTHING = frozenset({"*.*.*"})
FOR_ANALYSTS = frozenset({"CRM.PUBLIC.*", "TPCH.PUBLIC.*"})
OAUTH_ISSUER = "https://gate.sandbox.snowgate/"
OAUTH_AUDIENCE = "https://sandbox.snowflakecomputing.com"
CATALOG_USER = "SNOWGATE_CATALOG"
CATALOG_ROLE = "CATALOG_RO"
BROKER_USER = "SNOWGATE_BROKER"
BROKER_ROLE = "SNOWGATE_BROKER"

ADMINISTRATORS = frozenset({"ACCOUNTADMIN", "ORGADMIN", "GLOBALORGADMIN", "SECURITYADMIN"})
"""Roles that External OAuth never opens unless an integration says so."""


@dataclass(frozen=True, slots=True)
class Role:
    """What Snowflake's GRANTs would let a role do: which databases, which tables and views to read or to change, DDL.

    `reads` and `changes` name them as `DATABASE.SCHEMA.NAME`, with `*` for any. A role that only `sees` tables knows
    that they are there, as with REFERENCES, and reads no row. `operates_warehouse` is OPERATE on the warehouse: it may
    stop other users' statements. `manages_users` is CREATE USER, OWNERSHIP of the roles that it gives, and MODIFY
    PROGRAMMATIC AUTHENTICATION METHODS on all users.
    """

    name: str
    databases: frozenset[str] = DATABASES
    reads: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    sees: frozenset[str] = frozenset()
    changes_tables: bool = False
    operates_warehouse: bool = False
    manages_users: bool = False


@dataclass(frozen=True, slots=True)
class ProgrammaticToken:
    """A programmatic access token as it is kept: its secret's SHA-256, when it ends (seconds since 1970), its role."""

    name: str
    digest: bytes
    expires_at: float
    role: str


@dataclass(frozen=True, slots=True)
class Workload:
    """WORKLOAD_IDENTITY of TYPE = OIDC: whose tokens log this user in."""

    issuer: str
    subject: str
    audiences: frozenset[str]


@dataclass(frozen=True, slots=True)
class User:
    """A user: `login_name` is what a token's subject is matched with, in upper case. Keys are PEM, two for rotation."""

    name: str
    login_name: str
    roles: frozenset[str]
    default_role: str
    disabled: bool = False
    public_keys: tuple[str, ...] = ()
    tokens: tuple[ProgrammaticToken, ...] = ()
    workload: Workload | None = None


@dataclass(frozen=True, slots=True)
class ExternalOAuth:
    """A security integration of TYPE = EXTERNAL_OAUTH, EXTERNAL_OAUTH_TYPE = CUSTOM, any-role mode disabled.

    `public_keys` are PEM; two are allowed so that a key can be rotated. Source: Snowflake, "CREATE SECURITY
    INTEGRATION (External OAuth)".
    """

    issuer: str
    audiences: frozenset[str]
    public_keys: tuple[str, ...]
    blocked_roles: frozenset[str] = ADMINISTRATORS


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that the look-alike knows about who may do what. `users`, by name, changes as users are altered."""

    name: str
    users: dict[str, User]
    roles: tuple[Role, ...]
    warehouses: frozenset[str]
    integrations: tuple[ExternalOAuth, ...] = field(default=())
    workload_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The public keys (PEM) of each OIDC issuer, which Snowflake would fetch by discovery."""

    def user(self, login_name: str) -> User | None:
        """Return the user with this login name, whatever its case, or None."""
        return next((user for user in self.users.values() if user.login_name == login_name.upper()), None)

    def role(self, name: str) -> Role:
        """Return the role of that name; raises KeyError if there is none."""
        for role in self.roles:
            if role.name == name:
                return role
        raise KeyError(name)

    def integration(self, issuer: str) -> ExternalOAuth | None:
        """Return the integration whose issuer is exactly this, or None."""
        return next((each for each in self.integrations if each.issuer == issuer), None)


def public_pem_of(private_key_file: Path) -> str:
    """Return the PEM of the public half of a private key's PEM file."""
    key = serialization.load_pem_private_key(private_key_file.read_bytes(), None)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return public.decode("ascii")


def sandbox_account(gate_public_key: str, broker_public_key: str) -> Account:
    """Return the sandbox's account; the keys (PEM) verify the tokens that the gate mints, and its broker's own."""
    users = (
        _user("ADA", "ANALYST_RO", "ANALYST_RW", workload=_workload("ada")),
        _user("EMIL", "ANALYST_RO", "ANALYST_RW"),
        _user("STELLA", "STEWARD_RO", "STEWARD_RW"),
        _user("SOFIA", "STEWARD_RO", "STEWARD_RW"),
        _user("ARTHUR", "ANALYST_RO"),
        _user(
            CATALOG_USER,
            CATALOG_ROLE,
            workload=_workload(CATALOG_USER.lower()),
            public_keys=(broker_public_key,),
        ),
        _user(BROKER_USER, BROKER_ROLE, public_keys=(broker_public_key,)),
        _user("FORMER", "ANALYST_RO", disabled=True),
    )
    return Account(
        name=ACCOUNT_NAME,
        users={user.name: user for user in users},
        roles=(
            Role("ANALYST_RO", reads=FOR_ANALYSTS),
            Role("ANALYST_RW", reads=FOR_ANALYSTS, changes=frozenset({"CRM.PUBLIC.TICKETS"})),
            Role("STEWARD_RO", reads=EVERYTHING),
            Role("STEWARD_RW", reads=EVERYTHING, changes=EVERYTHING, changes_tables=True),
            Role(
                CATALOG_ROLE,
                databases=DATABASES | {tagging.DATABASE},
                reads=frozenset({f"{tagging.DATABASE}.ACCOUNT_USAGE.*"}),
                sees=EVERYTHING,
                operates_warehouse=True,
            ),
            Role(BROKER_ROLE, databases=frozenset(), manages_users=True),
        ),
        warehouses=frozenset({WAREHOUSE}),
        integrations=(ExternalOAuth(OAUTH_ISSUER, frozenset({OAUTH_AUDIENCE}), (gate_public_key,)),),
        workload_keys={OAUTH_ISSUER: (gate_public_key,)},
    )


def _user(name: str, *roles: str, **more: Any) -> User:
    return User(name, name, frozenset(roles), roles[0], **more)


def _workload(subject: str) -> Workload:
    return Workload(OAUTH_ISSUER, subject, frozenset({OAUTH_AUDIENCE}))
