"""The SQL that an administrator runs once so that the gate can work, with no more privileges than it needs.

Plain text, to be read before it is run, and to be run again: each statement makes what is missing or sets what is
there. Nothing here is sent to Snowflake by the gate. Sources: Snowflake's pages of each statement, "Restricted session
scope" and "CREATE SECURITY INTEGRATION (External OAuth)".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from server.config import BrokerName
from server.spelling import literal, quoted

BROKERS: tuple[BrokerName, ...] = get_args(BrokerName)
ADMINISTRATION = "SNOWGATE"
"""The database of the gate's own policies; no role of the gate's can use it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the SQL is to be about; names are as Snowflake stores them. `public_key` is base64 without PEM's lines."""

    broker: BrokerName
    databases: tuple[str, ...]
    read_role: str
    write_role: str | None
    catalog_role: str
    catalog_user: str
    broker_role: str
    broker_user: str
    warehouse: str
    people: tuple[str, ...]
    addresses: tuple[str, ...]
    issuer: str
    audience: str
    public_key: str
    credits_a_day: int = 10
    statement_timeout_s: int = 300

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that statements of agents run in."""
        return (self.read_role,) if self.write_role is None else (self.read_role, self.write_role)


def bootstrap(wanted: Wanted) -> str:
    """The whole text."""
    parts = (_roles, _warehouse, _data, _catalog, _fences, _WAYS[wanted.broker])
    return "\n".join(line for part in parts for line in part(wanted)) + "\n"


def _roles(wanted: Wanted) -> Iterator[str]:
    yield f"-- snowgate with {wanted.broker}. Read it, then run it as ACCOUNTADMIN; it can be run again."
    yield "\n-- 1. Roles. Agents' statements run in the first ones; the catalog's sees names and definitions, no data."
    for role in (*wanted.roles, wanted.catalog_role):
        yield f"CREATE ROLE IF NOT EXISTS {quoted(role)} COMMENT = 'snowgate';"


def _warehouse(wanted: Wanted) -> Iterator[str]:
    name = quoted(wanted.warehouse)
    yield "\n-- 2. A warehouse of its own, with a limit that suspends it."
    yield (
        f"CREATE RESOURCE MONITOR IF NOT EXISTS {quoted(ADMINISTRATION)} WITH CREDIT_QUOTA = {wanted.credits_a_day} "
        "FREQUENCY = DAILY START_TIMESTAMP = IMMEDIATELY TRIGGERS ON 90 PERCENT DO SUSPEND ON 100 PERCENT DO "
        "SUSPEND_IMMEDIATE;"
    )
    yield f"CREATE WAREHOUSE IF NOT EXISTS {name} WAREHOUSE_SIZE = XSMALL INITIALLY_SUSPENDED = TRUE;"
    yield (
        f"ALTER WAREHOUSE {name} SET AUTO_SUSPEND = 60 AUTO_RESUME = TRUE RESOURCE_MONITOR = {quoted(ADMINISTRATION)} "
        f"STATEMENT_TIMEOUT_IN_SECONDS = {wanted.statement_timeout_s} STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = 60;"
    )
    for role in (*wanted.roles, wanted.catalog_role):
        yield f"GRANT USAGE ON WAREHOUSE {name} TO ROLE {quoted(role)};"
    yield "-- The gate's own role ends the sessions that a killed gate left."
    yield f"GRANT OPERATE ON WAREHOUSE {name} TO ROLE {quoted(wanted.catalog_role)};"


def _data(wanted: Wanted) -> Iterator[str]:
    yield "\n-- 3. Data. SELECT for the role of reads, and nothing else: no stage, function or procedure, no CREATE."
    for database in map(quoted, wanted.databases):
        for role in map(quoted, wanted.roles):
            yield from _opened("SELECT", database, role)
        if wanted.write_role is not None:
            for reach in ("ALL", "FUTURE"):
                role = quoted(wanted.write_role)
                yield f"GRANT INSERT, UPDATE, DELETE ON {reach} TABLES IN DATABASE {database} TO ROLE {role};"


def _catalog(wanted: Wanted) -> Iterator[str]:
    yield "\n-- 4. The catalog: names, types and definitions."
    for database in map(quoted, wanted.databases):
        yield from _opened("REFERENCES", database, quoted(wanted.catalog_role))


def _opened(privilege: str, database: str, role: str) -> Iterator[str]:
    """A privilege on every table and view of a database, on those to come too, and what it takes to get there."""
    yield f"GRANT USAGE ON DATABASE {database} TO ROLE {role};"
    for reach in ("ALL", "FUTURE"):
        yield f"GRANT USAGE ON {reach} SCHEMAS IN DATABASE {database} TO ROLE {role};"
        for kind in ("TABLES", "VIEWS"):
            yield f"GRANT {privilege} ON {reach} {kind} IN DATABASE {database} TO ROLE {role};"


def _fences(wanted: Wanted) -> Iterator[str]:
    addresses = ", ".join(map(literal, wanted.addresses))
    name = quoted(ADMINISTRATION)
    yield "\n-- 5. Where the gate's users may come from, and what a session may be: short, one role, for agents."
    yield f"CREATE NETWORK POLICY IF NOT EXISTS {name} ALLOWED_IP_LIST = ({addresses});"
    yield f"ALTER NETWORK POLICY {name} SET ALLOWED_IP_LIST = ({addresses});"
    yield f"CREATE DATABASE IF NOT EXISTS {name} COMMENT = 'policies of snowgate; no data';"
    yield f"CREATE SESSION POLICY IF NOT EXISTS {_session_policy()} COMMENT = 'snowgate';"
    # Read-only for every statement of the session, whatever the role; with a role that writes it cannot be.
    scope = "" if wanted.write_role else " AGENT_RESTRICTED_SESSION_SCOPE = 'SNOWFLAKE$DATA_READ'"
    yield (
        f"ALTER SESSION POLICY {_session_policy()} SET SESSION_IDLE_TIMEOUT_MINS = 5 SESSION_MAX_LIFESPAN_MINS = 60 "
        f"ALLOWED_SECONDARY_ROLES = (){scope};"
    )


def _external_oauth(wanted: Wanted) -> Iterator[str]:
    name = quoted("SNOWGATE")
    roles = ", ".join(map(literal, (*wanted.roles, wanted.catalog_role)))
    yield "\n-- 6. Tokens that the gate signs are believed, for these roles alone. Sessions count as an agent's."
    yield (
        f"CREATE SECURITY INTEGRATION IF NOT EXISTS {name} TYPE = EXTERNAL_OAUTH ENABLED = FALSE "
        f"EXTERNAL_OAUTH_TYPE = CUSTOM EXTERNAL_OAUTH_ISSUER = {literal(wanted.issuer)} "
        f"EXTERNAL_OAUTH_RSA_PUBLIC_KEY = {literal(wanted.public_key)} "
        "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM = 'sub' "
        "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE = 'LOGIN_NAME';"
    )
    yield (
        f"ALTER SECURITY INTEGRATION {name} SET ENABLED = TRUE EXTERNAL_OAUTH_ISSUER = {literal(wanted.issuer)} "
        f"EXTERNAL_OAUTH_RSA_PUBLIC_KEY = {literal(wanted.public_key)} "
        f"EXTERNAL_OAUTH_AUDIENCE_LIST = ({literal(wanted.audience)}) EXTERNAL_OAUTH_ANY_ROLE_MODE = DISABLE "
        f"EXTERNAL_OAUTH_ALLOWED_ROLES_LIST = ({roles}) NETWORK_POLICY = {quoted(ADMINISTRATION)} IS_AGENTIC = TRUE;"
    )
    yield from _people(wanted)
    yield from _user(wanted.catalog_user, (wanted.catalog_role,), "SERVICE")


def _workload_identity(wanted: Wanted) -> Iterator[str]:
    yield "\n-- 6. Users by the tokens of the gate's issuer, whose keys Snowflake must be able to fetch."
    yield from _people(wanted)
    yield from _user(wanted.catalog_user, (wanted.catalog_role,), "SERVICE")
    for user in (*wanted.people, wanted.catalog_user):
        yield (
            f"ALTER USER {quoted(user)} SET WORKLOAD_IDENTITY = (TYPE = OIDC ISSUER = {literal(wanted.issuer)} "
            f"SUBJECT = {literal(user.lower())} OIDC_AUDIENCE_LIST = ({literal(wanted.audience)}));"
        )


def _programmatic_access_token(wanted: Wanted) -> Iterator[str]:
    yield from _broker(wanted)
    yield from _people(wanted)
    yield "-- The broker may add and remove these users' tokens, and nothing else of theirs."
    for user in wanted.people:
        methods = f"MODIFY PROGRAMMATIC AUTHENTICATION METHODS ON USER {quoted(user)}"
        yield f"GRANT {methods} TO ROLE {quoted(wanted.broker_role)};"


def _ephemeral_user(wanted: Wanted) -> Iterator[str]:
    role = quoted(wanted.broker_role)
    yield from _broker(wanted)
    yield "-- The broker makes users, and gives them the agents' roles, which it therefore owns."
    yield f"GRANT CREATE USER ON ACCOUNT TO ROLE {role};"
    for each in map(quoted, wanted.roles):
        yield f"GRANT OWNERSHIP ON ROLE {each} TO ROLE {role} COPY CURRENT GRANTS;"


def _broker(wanted: Wanted) -> Iterator[str]:
    role = quoted(wanted.broker_role)
    yield "\n-- 6. The gate's own users, who log in with its key, and the broker's role, which reads no data."
    yield f"CREATE ROLE IF NOT EXISTS {role} COMMENT = 'snowgate';"
    yield f"GRANT USAGE ON WAREHOUSE {quoted(wanted.warehouse)} TO ROLE {role};"
    for user, its_role in ((wanted.broker_user, wanted.broker_role), (wanted.catalog_user, wanted.catalog_role)):
        yield from _user(user, (its_role,), "SERVICE")
        yield f"ALTER USER {quoted(user)} SET RSA_PUBLIC_KEY = {literal(wanted.public_key)};"


def _people(wanted: Wanted) -> Iterator[str]:
    yield "-- One user a person: LOGIN_NAME is the subject of their access tokens."
    for person in wanted.people:
        yield from _user(person, wanted.roles, "SERVICE_AGENT")


def _user(name: str, roles: tuple[str, ...], kind: str) -> Iterator[str]:
    user = quoted(name)
    yield f"CREATE USER IF NOT EXISTS {user} TYPE = {kind} LOGIN_NAME = {literal(name.lower())} COMMENT = 'snowgate';"
    for role in map(quoted, roles):
        yield f"GRANT ROLE {role} TO USER {user};"
    yield f"ALTER USER {user} SET DEFAULT_ROLE = {quoted(roles[0])} DEFAULT_SECONDARY_ROLES = ();"
    yield f"ALTER USER {user} SET NETWORK_POLICY = {quoted(ADMINISTRATION)};"
    yield f"ALTER USER {user} SET SESSION POLICY {_session_policy()};"


def _session_policy() -> str:
    return f"{quoted(ADMINISTRATION)}.PUBLIC.{quoted('AGENTS')}"


_WAYS = {
    "external_oauth": _external_oauth,
    "workload_identity": _workload_identity,
    "programmatic_access_token": _programmatic_access_token,
    "ephemeral_user": _ephemeral_user,
}
