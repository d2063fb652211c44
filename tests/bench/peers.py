"""What else can stand between an agent and Snowflake: other servers, and gateways before the unguarded floor.

Each is installed from a lock of its own into an environment of its own, the first time that it is asked for.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from tests.bench.cases import CASES
from tests.bench.handshake import HandshakeTarget
from tests.bench.processes import READY_S_MAX, ROOT, free_port, listening, running
from tests.bench.stage import Server

LOCKS = ROOT / "requirements" / "peers"
INSTALL_TIMEOUT_S = 300
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


PEERS = (
    Peer("snowflake-labs-mcp", "run_snowflake_query", "statement", _labs),
    Peer("toolbox-server", "execute_sql", "sql", _toolbox),
    Peer("mcp-proxy", "run_query", "sql", _mcp_proxy),
    Peer("fastmcp", "run_query", "sql", _fastmcp),
)


def locked(peer: Peer) -> str:
    """Its package and version."""
    text = (LOCKS / f"{peer.package}.txt").read_text(encoding="utf-8")
    return " ".join(re.findall(rf"^({re.escape(peer.package)})==([\w.]+)", text, re.MULTILINE)[0])


def install(peer: Peer) -> Path:
    """The environment with what `peer` is locked to.

    Raises:
        subprocess.CalledProcessError: it cannot be installed here.
    """
    lock = LOCKS / f"{peer.package}.txt"
    environment = ROOT / ".snowgate" / "peers" / f"{peer.package}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    stamp = environment / "installed"
    if stamp.is_file():
        return environment
    shutil.rmtree(environment, ignore_errors=True)
    environment.parent.mkdir(parents=True, exist_ok=True)
    python = str(environment / "bin" / "python")
    if shutil.which("uv"):
        commands = [["uv", "venv", "--python", sys.executable, str(environment)], ["uv", "pip", "install", "--python"]]
        commands[1] += [python, "--require-hashes", "-r", str(lock)]
    else:
        commands = [[sys.executable, "-m", "venv", str(environment)]]
        # A lock is complete; pip would want what an extra asks for to be pinned with the extra.
        commands += [[python, "-m", "pip", "install", "--no-deps", "--require-hashes", "-r", str(lock)]]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_TIMEOUT_S)
    stamp.touch()
    return environment


@asynccontextmanager
async def peer(
    which: Peer, environment: Path, home: Path, backend_port: int, floor_port: int
) -> AsyncGenerator[Server]:
    """`which`, after its first right answer."""
    own = home / which.package
    own.mkdir(exist_ok=True)
    place = Place(environment, own, free_port(), backend_port, floor_port)
    target = HandshakeTarget(
        which.package, f"http://127.0.0.1:{place.port}/mcp", tool=which.tool, argument=which.argument
    )
    launch, log = which.launch(place), own / "output.log"
    began = time.perf_counter()
    with running(launch.arguments, log, launch.variables, program=str(launch.program)) as pid:
        try:
            with anyio.fail_after(READY_S_MAX):
                await listening(place.port, pid, log)
                await target.content(CASES["point"].make())
            yield Server(target, pid, time.perf_counter() - began)
        finally:
            await target.close()
