"""What else can stand between an agent and Snowflake: other servers, and gateways before the unguarded floor.

Each is installed from a lock of its own into an environment of its own, the first time that it is asked for.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe

import anyio
import httpx2

from tests.bench.cases import CASES
from tests.bench.handshake import HandshakeTarget
from tests.bench.processes import READY_S_MAX, ROOT, free_port, listening, running
from tests.bench.stage import Server

LOCKS = ROOT / "requirements" / "peers"
INSTALL_TIMEOUT_S, START_S_MAX = 300, 120
"""A first start may have a database to make, of a hundred tables."""
LABS_POLICY = """other_services: {object_manager: false, query_manager: true, semantic_manager: false}
sql_statement_permissions:
  - Select: true
  - Unknown: false
"""
LABS_LOGIN = """[default]
account = "bench"
user = "bench"
password = "bench"
host = "127.0.0.1"
port = {port}
protocol = "http"
database = "TPCH"
schema = "PUBLIC"
warehouse = "BENCH_WH"
"""
TOOLBOX = """kind: source
name: bench
type: snowflake
account: "127.0.0.1:{port}"
user: bench
password: bench
database: TPCH
schema: PUBLIC
warehouse: BENCH_WH
role: "BENCH_RO&account=bench&protocol=http"
---
kind: tool
name: execute_sql
type: snowflake-execute-sql
source: bench
description: Runs a statement.
"""
"""It has no setting for host and protocol: they reach its data source name by way of the account and the role."""


CONTEXTFORGE_SECRETS = (
    "JWT_SECRET_KEY", "AUTH_ENCRYPTION_SECRET", "BASIC_AUTH_PASSWORD", "PLATFORM_ADMIN_PASSWORD",
    "DEFAULT_USER_PASSWORD",
)  # fmt: skip
CONTEXTFORGE = {
    "RATE_LIMITING_ENABLED": "false",  # a hundred calls a minute are no measurement
    "AUTH_REQUIRED": "false", "MCP_CLIENT_AUTH_ENABLED": "false", "ALLOW_UNAUTHENTICATED_ADMIN": "true",
    "TRUST_PROXY_AUTH": "true", "TRUST_PROXY_AUTH_DANGEROUSLY": "true", "SSRF_ALLOW_LOCALHOST": "true",
    "SSRF_ALLOW_PRIVATE_NETWORKS": "true", "MCPGATEWAY_UI_ENABLED": "false", "CACHE_TYPE": "memory",
    "ENVIRONMENT": "development", "LOG_LEVEL": "ERROR",
}  # fmt: skip
"""As little as it can be told to do: nobody signs in, and nothing is shown."""


class NoPython(Exception):
    """A peer needs another Python than there is here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a peer runs: its environment, a directory of its own, its port, the backend's, and the floor's."""

    environment: Path
    home: Path
    port: int
    backend_port: int
    floor_port: int


@dataclass(frozen=True, slots=True)
class Launch:
    """A program, what it is given, and what it finds in its environment variables."""

    program: Path
    arguments: list[str]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Peer:
    """One of them: the package that is locked, the tool that runs a statement, and how it is started."""

    package: str
    tool: str
    argument: str
    launch: Callable[[Place], Launch]
    register: Callable[[Place], Awaitable[str]] | None = None
    """What it has to be told once it listens, for one that keeps servers in a database; the path of its endpoint."""
    python: str = ""
    """The program that it needs, if it is not enough to have the one that runs this."""


def _labs(place: Place) -> Launch:
    (place.home / "policy.yaml").write_text(LABS_POLICY, encoding="utf-8")
    logins = place.home / "connections.toml"
    logins.write_text(LABS_LOGIN.format(port=place.backend_port), encoding="utf-8")
    logins.chmod(0o600)
    arguments = [
        "--service-config-file", str(place.home / "policy.yaml"), "--transport", "http",
        "--server-host", "127.0.0.1", "--port", str(place.port),
    ]  # fmt: skip
    program = place.environment / "bin" / "mcp-server-snowflake"
    return Launch(program, arguments, {"SNOWFLAKE_HOME": str(place.home)})


def _toolbox(place: Place) -> Launch:
    (place.home / "tools.yaml").write_text(TOOLBOX.format(port=place.backend_port), encoding="utf-8")
    (program,) = place.environment.glob("lib/python*/site-packages/toolbox_server/bin/toolbox")
    arguments = ["--config", str(place.home / "tools.yaml"), "--port", str(place.port)]
    return Launch(program, [*arguments, "--disable-version-check", "--disable-reload"])


def _fastmcp(place: Place) -> Launch:
    arguments = ["run", f"http://127.0.0.1:{place.floor_port}/mcp", "--transport", "http", "--port", str(place.port)]
    return Launch(place.environment / "bin" / "fastmcp", [*arguments, "--no-banner", "--log-level", "ERROR"])


def _mcp_proxy(place: Place) -> Launch:
    floor = ["-m", "tests.bench.floor", "--stdio", "--backend-port", str(place.backend_port)]
    arguments = ["--port", str(place.port), "--log-level", "ERROR", "--pass-environment", "--", sys.executable, *floor]
    return Launch(place.environment / "bin" / "mcp-proxy", arguments, {"PYTHONPATH": str(ROOT)})


def _contextforge(place: Place) -> Launch:
    secrets = {name: token_urlsafe(48) for name in CONTEXTFORGE_SECRETS}
    variables = {**CONTEXTFORGE, **secrets, "DATABASE_URL": f"sqlite:///{place.home}/contextforge-{place.port}.db"}
    program = place.environment / "bin" / "mcpgateway"
    return Launch(program, ["--host", "127.0.0.1", "--port", str(place.port)], variables)


async def _register_with_contextforge(place: Place) -> str:
    """Give it the floor, and a server of the floor's tools."""
    address, floor = f"http://127.0.0.1:{place.port}", f"http://127.0.0.1:{place.floor_port}/mcp"
    headers = {"X-Authenticated-User": "admin@example.com"}
    async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=READY_S_MAX) as http:
        told = {"name": "floor", "url": floor, "transport": "STREAMABLEHTTP"}
        (await http.post("/gateways", json=told)).raise_for_status()
        tools = (await http.get("/tools")).raise_for_status().json()
        server = {"name": "bench", "associated_tools": [each["id"] for each in tools]}
        made = (await http.post("/servers", json={"server": server})).raise_for_status().json()
    return f"/servers/{made['id']}/mcp"


PEERS = (
    Peer("snowflake-labs-mcp", "run_snowflake_query", "statement", _labs),
    Peer("toolbox-server", "execute_sql", "sql", _toolbox),
    Peer("mcp-proxy", "run_query", "sql", _mcp_proxy),
    Peer("fastmcp", "run_query", "sql", _fastmcp),
    Peer(
        "mcp-contextforge-gateway",
        "floor-run-query",
        "sql",
        _contextforge,
        _register_with_contextforge,
        "python3.12",
    ),
)


def locked(peer: Peer) -> str:
    """Its package and version."""
    text = (LOCKS / f"{peer.package}.txt").read_text(encoding="utf-8")
    return " ".join(re.findall(rf"^({re.escape(peer.package)})==([\w.]+)", text, re.MULTILINE)[0])


def install(peer: Peer) -> Path:
    """The environment with what `peer` is locked to.

    Raises:
        NoPython: the Python that it needs is not here.
        subprocess.CalledProcessError: it cannot be installed here.
    """
    interpreter = _python(peer)
    lock = LOCKS / f"{peer.package}.txt"
    environment = ROOT / ".snowgate" / "peers" / f"{peer.package}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    stamp = environment / "installed"
    if stamp.is_file():
        return environment
    shutil.rmtree(environment, ignore_errors=True)
    environment.parent.mkdir(parents=True, exist_ok=True)
    python = str(environment / "bin" / "python")
    if shutil.which("uv"):
        commands = [["uv", "venv", "--python", interpreter, str(environment)], ["uv", "pip", "install", "--python"]]
        commands[1] += [python, "--require-hashes", "-r", str(lock)]
    else:
        commands = [[interpreter, "-m", "venv", str(environment)]]
        # A lock is complete; pip would want what an extra asks for to be pinned with the extra.
        commands += [[python, "-m", "pip", "install", "--no-deps", "--require-hashes", "-r", str(lock)]]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_TIMEOUT_S)
    stamp.touch()
    return environment


def _python(peer: Peer) -> str:
    if not peer.python:
        return sys.executable
    versions = Path.home() / ".pyenv" / "versions"
    found = sorted(versions.glob(f"{peer.python.removeprefix('python')}.*/bin/python"))
    for program in (*map(str, found), shutil.which(peer.python)):
        # A shim answers to the name, and not always to the call.
        if program and subprocess.run([program, "-c", ""], check=False, capture_output=True).returncode == 0:
            return program
    raise NoPython(f"{peer.package} needs {peer.python}")


@asynccontextmanager
async def peer(
    which: Peer, environment: Path, home: Path, backend_port: int, floor_port: int
) -> AsyncGenerator[Server]:
    """`which`, after its first right answer."""
    own = home / which.package
    own.mkdir(exist_ok=True)
    place = Place(environment, own, free_port(), backend_port, floor_port)
    address = f"http://127.0.0.1:{place.port}"
    launch, log = which.launch(place), own / "output.log"
    began = time.perf_counter()
    with running(launch.arguments, log, launch.variables, program=str(launch.program)) as pid:
        with anyio.fail_after(START_S_MAX):
            await listening(place.port, pid, log, START_S_MAX)
            path = "/mcp" if which.register is None else await which.register(place)
        target = HandshakeTarget(which.package, address + path, tool=which.tool, argument=which.argument)
        try:
            with anyio.fail_after(READY_S_MAX):
                await target.content(CASES["point"].make())
            yield Server(target, pid, time.perf_counter() - began)
        finally:
            await target.close()
