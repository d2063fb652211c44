"""One stage of the run: a backend, and before it the floor and a real snowgate with its journal in PostgreSQL."""

import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import httpx2
from anyio import to_thread

from server.migrating import migrate
from server.sandbox.database_logins import make_logins
from server.sandbox.postgres import EmbeddedPostgres
from tests.bench.cases import CASES
from tests.bench.client import Kind, McpTarget
from tests.bench.credentials import Keys
from tests.bench.driver import Driver
from tests.bench.processes import READY_S_MAX, free_port, listening, running

POLICY = Path(__file__).with_name("policy.yaml")
SERVE = ["-P", "-m", "server.cli", "serve", "--transport", "http", "--log-level", "warning"]


@dataclass(frozen=True, slots=True)
class Slowness:
    """How long the backend sleeps before it answers, and with how many processes snowgate is served before it.

    With `peers`, others are measured too.
    """

    name: str
    query_ms: float
    login_ms: float
    workers: int
    peers: bool = False

    @property
    def is_slow(self) -> bool:
        """Whether its sleeps make a burst long, and steady."""
        return self.query_ms > 0


STUB = Slowness("stub", 0, 0, workers=1)
"""Shows what one call costs."""

LAT60 = Slowness("lat60", 60, 400, workers=os.cpu_count() or 1)
"""The shape of a real account, met as one would be: with a worker for each processor. So are peers."""

STUB_PEERS = replace(STUB, name="stub, beside peers", workers=LAT60.workers, peers=True)
LAT60_PEERS = replace(LAT60, name="lat60, beside peers", peers=True)
STAGES = (STUB, LAT60, STUB_PEERS, LAT60_PEERS)


@dataclass(frozen=True, slots=True)
class Premises:
    """What outlives a stage: a directory, the journal's PostgreSQL, keys, and which client measures."""

    home: Path
    postgres: EmbeddedPostgres
    keys: Keys
    client: Kind


@dataclass(frozen=True, slots=True)
class Server:
    """A started MCP server: its process, and how long it took from nothing to its first right answer."""

    target: McpTarget
    pid: int
    first_answer_s: float


@dataclass(frozen=True, slots=True)
class Stage:
    """The three targets before one backend."""

    slowness: Slowness
    backend_port: int
    backend_pid: int
    driver: Driver
    floor: Server
    snowgate: Server


@asynccontextmanager
async def staged(premises: Premises, slowness: Slowness) -> AsyncGenerator[Stage]:
    """All of it, running."""
    async with (
        backend(premises, slowness) as (port, pid),
        floor(premises, port) as below,
        snowgate(premises, port, SERVE, {"SNOWGATE_WORKERS": str(slowness.workers)}) as above,
    ):
        driver = Driver(port)
        try:
            yield Stage(slowness, port, pid, driver, below, above)
        finally:
            driver.close()


@asynccontextmanager
async def backend(premises: Premises, slowness: Slowness, tables: int = 0) -> AsyncGenerator[tuple[int, int]]:
    """The stand-in for Snowflake with so many tables beside TPC-H's; its port and its process."""
    port, log = free_port(), premises.home / f"backend-{slowness.name}.log"
    arguments = [
        "-m", "tests.bench.backend", "--port", str(port), "--keys", str(premises.keys.public),
        "--query-ms", str(slowness.query_ms), "--login-ms", str(slowness.login_ms), "--tables", str(tables),
    ]  # fmt: skip
    with running(arguments, log) as pid:
        await listening(port, pid, log)
        yield port, pid


@asynccontextmanager
async def floor(premises: Premises, backend_port: int) -> AsyncGenerator[Server]:
    """The unguarded server."""
    port, log = free_port(), premises.home / "floor.log"
    target = McpTarget("floor", f"http://127.0.0.1:{port}/mcp", kind=premises.client, token="ignored")
    arguments = ["-m", "tests.bench.floor", "--port", str(port), "--backend-port", str(backend_port)]
    async with _answering(arguments, {}, port, log, target) as started:
        yield started


@asynccontextmanager
async def snowgate(
    premises: Premises,
    backend_port: int,
    arguments: list[str],
    extra: Mapping[str, str] | None = None,
    prepare: Callable[[str], None] | None = None,
) -> AsyncGenerator[Server]:
    """A real snowgate over HTTP; `arguments` are what Python runs, and `prepare` is given its database before."""
    port, log = free_port(), premises.home / "snowgate.log"
    url, issuer = f"http://127.0.0.1:{port}/mcp", f"http://127.0.0.1:{backend_port}/issuer"
    token = premises.keys.token(issuer, url)
    database = premises.postgres.dsn(f"bench_{port}")
    await migrate(database)
    if prepare is not None:
        await to_thread.run_sync(prepare, database)
    logins = await to_thread.run_sync(make_logins, database)
    target = McpTarget(
        "snowgate", url, kind=premises.client, token=token, extra={"purpose": "benchmark", "rows_max": 200_000}
    )
    env = {**_settings(premises, backend_port, port), **logins, **(extra or {})}
    async with _answering(arguments, env, port, log, target) as started:
        yield started


def _settings(premises: Premises, backend_port: int, port: int) -> dict[str, str]:
    keys = premises.keys
    settings = {
        "HOST": "127.0.0.1", "PORT": port, "ISSUER": f"http://127.0.0.1:{backend_port}/issuer",
        "RESOURCE": f"http://127.0.0.1:{port}/mcp", "POLICY": POLICY, "DATABASES": "TPCH",
        "JOURNAL_KEY_FILE": keys.journal,
        "JOURNAL_SIGNING_KEY_FILE": keys.signing, "STATE_KEY_FILE": keys.state, "SNOWFLAKE_ACCOUNT": "bench",
        "SNOWFLAKE_HOST": "127.0.0.1", "SNOWFLAKE_PORT": backend_port, "SNOWFLAKE_PROTOCOL": "http",
        "SNOWFLAKE_OAUTH_ISSUER": "https://gate.bench/", "SNOWFLAKE_OAUTH_AUDIENCE": "https://bench/",
        "SNOWFLAKE_OAUTH_KEY_FILE": keys.lease, "SNOWFLAKE_CATALOG_USER": "CATALOG",
        "SNOWFLAKE_CATALOG_ROLE": "CATALOG_RO", "WAREHOUSE": "BENCH_WH",
        "SESSIONS_PER_PRINCIPAL_MAX": 128, "SESSIONS_MAX": 256,
        "LEASE_IDLE_S": 3_600, "LEASE_TTL_S": 3_600,  # what is measured is the warm path
    }  # fmt: skip
    return {f"SNOWGATE_{name}": str(value) for name, value in settings.items()}


@asynccontextmanager
async def _answering(
    arguments: list[str], env: Mapping[str, str], port: int, log: Path, target: McpTarget
) -> AsyncGenerator[Server]:
    """A server that has answered once; the clock runs from before its process exists."""
    began = time.perf_counter()
    with running(arguments, log, env) as pid:
        try:
            with anyio.fail_after(READY_S_MAX):
                await listening(port, pid, log)
                await target.content(CASES["point"].make())
            yield Server(target, pid, time.perf_counter() - began)
        finally:
            await target.close()


@asynccontextmanager
async def paced(backend_port: int, query_ms: float) -> AsyncGenerator[None]:
    """The backend sleeps for so long before it answers, for a while."""
    async with httpx2.AsyncClient() as http:
        url = f"http://127.0.0.1:{backend_port}/_pace"
        (await http.post(url, json={"query_ms": query_ms})).raise_for_status()
        try:
            yield
        finally:
            (await http.post(url, json={"query_ms": None})).raise_for_status()


async def counts(backend_port: int) -> tuple[int, int]:
    """Logins and queries that the backend has seen."""
    async with httpx2.AsyncClient() as http:
        seen = (await http.get(f"http://127.0.0.1:{backend_port}/_stats")).json()
    return seen["logins"], seen["queries"]
