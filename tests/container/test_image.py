"""The image is built from its Dockerfile, and what runs of it is nobody, without a shell, and writes nowhere.

Needs podman, and the images that the Dockerfile begins with: there, or to be had from their registries.
"""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketStream
from sqlalchemy import make_url

from tests.house import tree
from tests.support.clients import Gate
from tests.support.databases import reachable_directory
from tests.support.gates import POLICY
from tests.support.watching import eventually
from tests.wire.test_readiness import ask

DOCKERFILE = tree.ROOT / "manifests" / "container" / "Dockerfile"
IMAGE = "localhost/snowgate-test"
BUILD_S_MAX, PULL_S_MAX, STOP_S = 900, 120, 30
NOBODY = 65_532
LOCAL_PORT = anyio.abc.SocketAttribute.local_port
READ = "SELECT REGION FROM CRM.PUBLIC.CUSTOMERS LIMIT 3"
HARDENED = ["--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp:rw,size=64m", "--cap-drop=all",
            "--security-opt=no-new-privileges", "--network=host"]  # fmt: skip

pytestmark = pytest.mark.slow


def podman(*arguments: str, within_s: float = 180.0, check: bool = True) -> subprocess.CompletedProcess[str]:
    """What podman says."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=within_s, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """The image, built anew."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed, so no image is built here")
    for base in re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE):
        if podman("image", "exists", base, check=False).returncode:
            try:
                pulled = podman("pull", "--quiet", base, within_s=PULL_S_MAX, check=False).returncode == 0
            except subprocess.TimeoutExpired:
                pulled = False
            if not pulled:
                pytest.skip(f"{base} is neither here nor to be had, so no image is built here")
    podman("build", "--file", str(DOCKERFILE), "--tag", IMAGE, str(tree.ROOT), within_s=BUILD_S_MAX)
    yield IMAGE
    podman("image", "rm", "--force", IMAGE, check=False)


@dataclass(frozen=True)
class Contained:
    """A gate in a container, at `port`."""

    name: str
    port: int

    @property
    def pid(self) -> int:
        """Its process, as this machine numbers it."""
        return int(podman("inspect", "--format", "{{.State.Pid}}", self.name).stdout)


@pytest.fixture
async def contained(gate: Gate, image: str, free_tcp_port: int) -> AsyncGenerator[Contained]:
    """The image beside the run's gate, on the same database, look-alike and issuer."""
    with reachable_directory() as home:
        async with forwarded(gate, home) as environment:
            told = environment | {"SNOWGATE_PORT": str(free_tcp_port), "SNOWGATE_DRAIN_S": "10"}
            settings = home / "gate.env"
            settings.write_text("".join(f"{name}={value}\n" for name, value in told.items()), encoding="utf-8")
            where = ["--volume", f"{home}:/etc/snowgate:ro", "--env-file", str(settings)]
            running = Contained(f"snowgate-test-{free_tcp_port}", free_tcp_port)
            podman("run", "--detach", f"--name={running.name}", *HARDENED, *where, image)
            try:
                await eventually(partial(_is_ready, running), within_s=60)
                yield running
            finally:
                podman("rm", "--force", "--time=1", running.name)


async def _is_ready(running: Contained) -> bool:
    try:
        return await ask(running.port, "/readyz") == (200, "ready")
    except OSError:
        return False
    except Exception as error:
        if "Connect" in type(error).__name__:
            return False
        raise


@asynccontextmanager
async def forwarded(gate: Gate, home: Path) -> AsyncGenerator[dict[str, str]]:
    """The run's settings, with files that nobody may read and a database at an address of TCP."""
    url = make_url(gate.sandbox.environment["SNOWGATE_DATABASE_URL"])
    socket = f"{url.query['host']}/.s.PGSQL.5432"
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    environment = _moved(gate.sandbox.environment, home, int(listener.extra_attributes[LOCAL_PORT]()))

    async def serve(client: SocketStream) -> None:
        async with client, await anyio.connect_unix(socket) as server, anyio.create_task_group() as tasks:
            tasks.start_soon(_copy, client, server)
            tasks.start_soon(_copy, server, client)

    async with anyio.create_task_group() as connections, listener, anyio.create_task_group() as listening:
        listening.start_soon(listener.serve, serve, connections)
        yield environment
        listening.cancel_scope.cancel()


def _moved(told: Mapping[str, str], home: Path, port: int) -> dict[str, str]:
    """Settings `told` of this machine as they are in the container: files below /etc/snowgate, databases at `port`."""
    moved: dict[str, str] = {}
    for name, value in {**told, "SNOWGATE_POLICY": str(POLICY)}.items():
        path = Path(value)
        if path.is_absolute() and path.is_file():
            shutil.copy(path, home / path.name)
            (home / path.name).chmod(0o644)
            value = f"/etc/snowgate/{path.name}"
        elif name.endswith("_DATABASE_URL"):
            url = make_url(value).set(host="127.0.0.1", port=port, query={})
            value = url.render_as_string(hide_password=False)
        if "_ADMIN_" not in name:
            moved[name] = value
    return moved


async def _copy(source: SocketStream, target: SocketStream) -> None:
    # Neither direction is cancelled when the other one ends: anyio's stream of a Unix socket, cancelled in the turn of
    # the loop in which something arrives, answers its future twice, and the test fails with an InvalidStateError.
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async for data in source:
            await target.send(data)
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        await target.send_eof()


async def test_the_image_answers_as_nobody_writes_nowhere_and_drains(gate: Gate, contained: Contained) -> None:
    async with gate.client("ada", port=contained.port) as client:
        said = await client.call_tool("run_query", {"sql": READ, "purpose": "to look"})
    assert not said.is_error, said
    assert said.structured_content is not None
    assert len(said.structured_content["rows"]) == 3
    _may_do_nothing(contained)
    _has_no_shell_and_cannot_write(contained)
    # What is under way ends; what comes meanwhile is served until the drain is over; then it is gone, in good order.
    podman("kill", "--signal=TERM", contained.name)
    await eventually(partial(_says, contained, (503, "not ready: draining")))
    async with gate.client("ada", port=contained.port) as client:
        assert not (await client.call_tool("run_query", {"sql": READ, "purpose": "to look"})).is_error
    ended = await anyio.to_thread.run_sync(partial(podman, "wait", contained.name, within_s=STOP_S))
    assert ended.stdout.strip() == "0", podman("logs", contained.name).stderr
    written = json.loads(podman("diff", "--format=json", contained.name).stdout) or {}
    assert set(written.get("added", [])) <= {"/etc/snowgate"}  # where the settings' files are mounted
    assert set(written.get("changed", [])) <= {"/etc"}
    assert not written.get("deleted")


async def _says(contained: Contained, said: tuple[int, str]) -> bool:
    return await ask(contained.port, "/readyz") == said


def _may_do_nothing(contained: Contained) -> None:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{contained.pid}/status").read_text(encoding="utf-8").splitlines()
    )
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(NOBODY)}
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1"


def _has_no_shell_and_cannot_write(contained: Contained) -> None:
    for program in ("sh", "/bin/sh", "bash", "busybox", "apt-get", "dpkg", "pip"):
        assert podman("exec", contained.name, program, "--help", check=False).returncode in (126, 127), program
    for place in ("/", "/app", "/app/server", "/etc", "/home/nonroot", "/var/tmp", "/etc/snowgate"):
        writes = f"open({place + '/x'!r}, 'w')"
        done = podman("exec", contained.name, "/usr/bin/python3", "-c", writes, check=False)
        assert re.search(r"Read-only file system|Permission denied|No such file", done.stderr), (place, done)


def test_the_image_holds_the_program_and_none_of_its_tests(image: str) -> None:
    found = podman("run", "--rm", *HARDENED, "--entrypoint=/usr/bin/python3", image, "-c",
                   "import os; print(sorted(os.listdir('/app')))").stdout  # fmt: skip
    assert {"audit", "manifests", "policy", "server", "tools"} <= set(ast.literal_eval(found))
    assert not {"tests", "docs", ".git", "Makefile"} & set(ast.literal_eval(found))
    assert podman("run", "--rm", *HARDENED, image, "--version").stdout.startswith("snowgate ")
