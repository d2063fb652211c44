"""The whole sandbox, for as long as one is inside: PostgreSQL, the Snowflake look-alike and the issuer.

The gate that runs against it is the production gate; the sandbox only tells it other addresses and keys, through the
same settings that an operator sets.
"""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from server.sandbox import account
from server.sandbox.children import Child, child
from server.sandbox.database_logins import make_logins
from server.sandbox.people import CONSOLE
from server.sandbox.postgres import EmbeddedPostgres
from server.sandbox.querylog import QueryRecord, read_queries
from server.sandbox.state import LOOPBACK, SandboxState, open_state, write_atomically
from server.sandbox.tables import TPCH_SCALE

DATABASE = "snowgate"


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A running look-alike, and the test's ways to look behind it."""

    state: SandboxState

    @property
    def url(self) -> str:
        """Its address, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.state.ports.snowflake}"

    def queries(self) -> list[QueryRecord]:
        """Return every statement that has reached it, in order of arrival."""
        return read_queries(self.state.query_log_file)

    async def delay_next(self, containing: str, seconds: float) -> None:
        """Make the next statement whose text contains `containing` wait first; it can be cancelled meanwhile."""
        secret = self.state.secret(self.state.control_secret_file)
        order = {"secret": secret, "containing": containing, "seconds": seconds}
        async with httpx2.AsyncClient() as client:
            (await client.post(f"{self.url}/_sandbox/delay", json=order)).raise_for_status()


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox. `environment` is what `snowgate serve` needs to run against it."""

    state: SandboxState
    lookalike: Lookalike
    environment: dict[str, str]


@asynccontextmanager
async def running_lookalike(
    state: SandboxState, *, scale: float = TPCH_SCALE, session_ttl_s: float | None = None
) -> AsyncGenerator[Lookalike]:
    """Run the Snowflake look-alike alone while inside.

    `session_ttl_s` is the life of its session tokens. Raises SandboxError `sandbox_port_taken` or `sandbox_not_ready`.
    """
    more = () if session_ttl_s is None else ("--session-ttl-s", str(session_ttl_s))
    async with _lookalike(state, scale, *more) as process:
        await process.ready()
        yield Lookalike(state)


@asynccontextmanager
async def running_issuer(state: SandboxState) -> AsyncGenerator[None]:
    """Run the issuer alone while inside. Raises SandboxError as `running_lookalike` does."""
    async with _issuer(state) as process:
        await process.ready()
        yield


@asynccontextmanager
async def running_sandbox(
    home: Path, *, policy: Path | None = None, database_url: str | None = None, scale: float = TPCH_SCALE
) -> AsyncGenerator[Sandbox]:
    """Run everything that the gate needs while inside, with the state in `home`. Enter it from the main thread.

    `database_url` names, by a superuser, a PostgreSQL to use instead of an embedded one. The environment is written to
    the state's `env_file` as well. Raises SandboxError, and PostgresNotStarted if the embedded PostgreSQL cannot run.
    """
    state = open_state(home)
    async with AsyncExitStack() as stack:
        lookalike = await stack.enter_async_context(_lookalike(state, scale))
        issuer = await stack.enter_async_context(_issuer(state))
        # Blocks the event loop while the other two start: PostgreSQL has to be started from this very thread.
        url = database_url or _embedded(stack, state)
        await lookalike.ready()
        await issuer.ready()
        variables = environment(state, make_logins(url), policy)
        write_env_file(state, variables)
        yield Sandbox(state, Lookalike(state), variables)


def environment(state: SandboxState, database: dict[str, str], policy: Path | None = None) -> dict[str, str]:
    """Return the settings of a gate that works against this sandbox, with the logins in `database`."""
    variables = {
        "SNOWGATE_HOST": LOOPBACK,
        "SNOWGATE_PORT": str(state.ports.gate),
        "SNOWGATE_ISSUER": state.issuer_url,
        "SNOWGATE_RESOURCE": state.resource_url,
        **database,
        "SNOWGATE_DATABASES": ",".join(sorted(account.DATABASES)),
        "SNOWGATE_JOURNAL_KEY_FILE": str(state.journal_key_file),
        "SNOWGATE_JOURNAL_SIGNING_KEY_FILE": str(state.journal_signing_key_file),
        "SNOWGATE_JOURNAL_LOG_KEY_FILE": str(state.journal_log_key_file),
        "SNOWGATE_STATE_KEY_FILE": str(state.request_state_key_file),
        "SNOWGATE_CONSOLE_URL": state.console_url,
        "SNOWGATE_CONSOLE_AUDITOR_GROUPS": "auditors",
        "SNOWGATE_CONSOLE_CLIENT_ID": CONSOLE,
        "SNOWGATE_CONSOLE_CLIENT_SECRET_FILE": str(state.console_secret_file),
        "SNOWGATE_SNOWFLAKE_ACCOUNT": account.ACCOUNT_NAME,
        "SNOWGATE_SNOWFLAKE_HOST": LOOPBACK,
        "SNOWGATE_SNOWFLAKE_PORT": str(state.ports.snowflake),
        "SNOWGATE_SNOWFLAKE_PROTOCOL": "http",
        "SNOWGATE_SNOWFLAKE_OAUTH_ISSUER": account.OAUTH_ISSUER,
        "SNOWGATE_SNOWFLAKE_OAUTH_AUDIENCE": account.OAUTH_AUDIENCE,
        "SNOWGATE_SNOWFLAKE_OAUTH_KEY_FILE": str(state.lease_key_file),
        "SNOWGATE_SNOWFLAKE_CATALOG_USER": account.CATALOG_USER,
        "SNOWGATE_SNOWFLAKE_CATALOG_ROLE": account.CATALOG_ROLE,
        "SNOWGATE_WAREHOUSE": account.WAREHOUSE,
    }
    return variables if policy is None else {**variables, "SNOWGATE_POLICY": str(policy.absolute())}


def write_env_file(state: SandboxState, variables: dict[str, str]) -> None:
    """Write `NAME='value'` lines to the state's env file, mode 0600: the database's password is among them."""
    lines = [f"{name}='{value}'" for name, value in sorted(variables.items())]
    write_atomically(state.env_file, ("\n".join(lines) + "\n").encode())


def _lookalike(state: SandboxState, scale: float, *more: str) -> AbstractAsyncContextManager[Child]:
    arguments = ["--state", str(state.home), "--scale", str(scale), *more]
    return child("server.sandbox.lookalike", arguments, state.ports.snowflake, state.logs / "lookalike.log")


def _issuer(state: SandboxState) -> AbstractAsyncContextManager[Child]:
    arguments = ["--state", str(state.home)]
    return child("server.sandbox.issuer", arguments, state.ports.issuer, state.logs / "issuer.log")


def _embedded(stack: AsyncExitStack, state: SandboxState) -> str:
    postgres = stack.enter_context(EmbeddedPostgres(state.home / "postgres"))
    return postgres.dsn(DATABASE)
