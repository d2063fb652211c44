"""One running sandbox for a whole test run, and connections to its Snowflake look-alike by the real driver."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import snowflake.connector
from anyio.from_thread import start_blocking_portal

from server.brokers.minted import ExternalOAuth
from server.brokers.signing import KeySigner, read_signing_key
from server.sandbox import account
from server.sandbox.run import Sandbox, running_sandbox
from server.sandbox.state import LOOPBACK, SandboxState
from tests.support.databases import Databases, reachable_directory

os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"

SCALE = 0.002
"""TPC-H's scale in tests: 11,957 order lines."""


@pytest.fixture(scope="session")
def sandbox(databases: Databases) -> Iterator[Sandbox]:
    """The sandbox, started once, on the run's own PostgreSQL. What a test changes in it, others see."""
    with (
        reachable_directory() as home,
        databases.fresh() as url,
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(running_sandbox(home, database_url=url, scale=SCALE)) as running,
    ):
        yield running


def minter(state: SandboxState) -> ExternalOAuth:
    """The gate's own minter of Snowflake tokens, with this sandbox's key."""
    return ExternalOAuth(
        account.OAUTH_ISSUER, account.OAUTH_AUDIENCE, (KeySigner(read_signing_key(state.lease_key_file)),)
    )


@contextmanager
def connection(state: SandboxState, who: str = "ADA", role: str = "ANALYST_RO", **options: Any) -> Iterator[Any]:
    """A session of the look-alike, opened with a good token by the real driver; `options` replace its settings."""
    settings: dict[str, Any] = {
        "account": account.ACCOUNT_NAME,
        "host": LOOPBACK,
        "port": state.ports.snowflake,
        "protocol": "http",
        "authenticator": "oauth",
        "token": minter(state).mint(who, role),
        "role": role,
        "warehouse": account.WAREHOUSE,
        "secondary_roles": "NONE",
        "paramstyle": "qmark",
        "client_store_temporary_credential": False,
        "enable_server_session_keep_alive_auto_detection": False,
    }
    opened = snowflake.connector.connect(**{**settings, **options})
    try:
        yield opened
    finally:
        opened.close()


def rows(session: Any, sql: str, *binds: Any, **options: Any) -> list[tuple[Any, ...]]:
    """All rows of one statement."""
    with session.cursor() as cursor:
        return list(cursor.execute(sql, binds or None, **options).fetchall())
