"""Fixtures that every folder shares; each folder adds its own."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings
from sqlalchemy.ext.asyncio import AsyncEngine

from server.database import open_engine
from server.sandbox.postgres import EmbeddedPostgres
from tests.support.databases import Databases, reachable_directory
from tests.support.gates import gate
from tests.support.measured import pytest_runtest_setup
from tests.support.sandbox import sandbox
from tests.support.scores import pytest_terminal_summary, score
from tests.support.stub_snowflake import stub

__all__ = ["gate", "pytest_runtest_setup", "pytest_terminal_summary", "sandbox", "score", "stub"]

SEARCH_PATH = os.environ["PATH"]

# How long an example takes says what else the machine does. Whatever the surroundings chose stays.
settings.register_profile("house", settings.default, deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """psycopg's asynchronous side needs asyncio."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _shelter() -> Iterator[None]:
    """As root, clusters whose homes are private go to a directory that the run takes away again."""
    with reachable_directory() as shelter, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SNOWGATE_SHELTER", str(shelter))
        yield


@pytest.fixture(autouse=True)
def _search_path() -> None:
    """A gate that is composed inside the tests' own process takes the search path from it, for good."""
    os.environ["PATH"] = SEARCH_PATH


@pytest.fixture(scope="session")
def databases(_shelter: None) -> Iterator[Databases]:
    """One embedded PostgreSQL for the whole run.

    It does not wait for the disk: a machine that loses its power loses the run as well, and one whose disk stalls for
    two seconds would open the journal's circuit. What must outlive a crash is tried on clusters of its own.
    """
    unsafe = {"fsync": "off", "full_page_writes": "off"}
    with reachable_directory() as home, EmbeddedPostgres(home, settings=unsafe) as postgres:
        yield Databases(postgres)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on that database."""
    async with open_engine(database_url) as engine:
        yield engine
