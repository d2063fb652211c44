"""What is done to a busy house: each fault lasts some seconds and is then taken back; the next one finds it whole."""

import os
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import psycopg
from anyio.abc import Process

from server.sandbox.postgres import EmbeddedPostgres
from server.sandbox.run import Sandbox, running_issuer, running_lookalike
from tests.soak import ground
from tests.support.databases import driver_dsn

DOWN_S = (2.0, 8.0)
CONNECTS_WITHIN_S = 3
OFFSETS_S = (-86_400, -3_600, -45, 45, 3_600, 86_400)


@dataclass
class Faults:
    """Everything that can go wrong here. Its methods are called from the main thread, as what they start must be."""

    sandbox: Sandbox
    scale: float
    postgres: EmbeddedPostgres
    disk: Path | None
    has_network: bool
    clock: Path | None
    """The file that one gate's clock follows."""
    gates: Mapping[int, Process]
    """The gates that may be killed, by their ports."""
    stack: AsyncExitStack
    """Keeps what is started again."""
    dice: random.Random

    def known(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What this machine lets us do, by name."""
        known: dict[str, Callable[[], Awaitable[None]]] = {
            "kill a gate": self.kill_gate, "stop a gate": self.stop_gate, "kill PostgreSQL": self.kill_postgres,
            "kill a worker": self.kill_worker, "hang a worker": self.hang_worker,
            "kill the issuer": self.kill_issuer, "kill Snowflake": self.kill_lookalike,
        }  # fmt: skip
        if self.disk is not None:
            known["fill the disk"] = self.fill_disk
        if self.has_network:
            known["cut the network"] = self.cut_network
        if self.clock is not None:
            known["set a clock wrong"] = self.set_clock_wrong
        return known

    async def kill_gate(self) -> None:
        await self._end_gate(signal.SIGKILL)

    async def stop_gate(self) -> None:
        await self._end_gate(signal.SIGTERM)

    async def _end_gate(self, how: signal.Signals) -> None:
        running = [gate for gate in self.gates.values() if gate.returncode is None]
        if running:
            self.dice.choice(running).send_signal(how)

    async def kill_worker(self) -> None:
        for worker in self._workers()[:1]:
            os.kill(worker, signal.SIGKILL)

    async def hang_worker(self) -> None:
        for worker in self._workers()[:1]:
            os.kill(worker, signal.SIGSTOP)
            await self._a_while()
            with suppress(ProcessLookupError):  # its supervisor may have gone meanwhile, and killed it
                os.kill(worker, signal.SIGCONT)

    def _workers(self) -> list[int]:
        """The processes that gates have started to answer for them, in an order by chance."""
        found: list[int] = []
        for gate in self.gates.values():
            with suppress(OSError):  # it has ended
                children = Path(f"/proc/{gate.pid}/task/{gate.pid}/children").read_text(encoding="ascii").split()
                found += [int(child) for child in children if b"--seat" in Path(f"/proc/{child}/cmdline").read_bytes()]
        return self.dice.sample(found, len(found))

    async def kill_postgres(self) -> None:
        self.postgres.stop(immediately=True)
        await self._a_while()
        self.postgres.start()

    async def kill_issuer(self) -> None:
        self._kill("server.sandbox.issuer")
        await self._a_while()
        await self.stack.enter_async_context(running_issuer(self.sandbox.state))

    async def kill_lookalike(self) -> None:
        self._kill("server.sandbox.lookalike")
        await self._a_while()
        await self.stack.enter_async_context(running_lookalike(self.sandbox.state, scale=self.scale))

    def _kill(self, module: str) -> None:
        """Kill the sandbox's process of this module; it is known by its command and this very sandbox's home."""
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if module.encode() in words and str(self.sandbox.state.home).encode() in words:
                    os.kill(int(entry.name), signal.SIGKILL)

    async def fill_disk(self) -> None:
        assert self.disk is not None
        with ground.filled(self.disk):
            await self._a_while()
        try:
            dsn = driver_dsn(self.postgres.dsn())
            psycopg.connect(dsn, connect_timeout=CONNECTS_WITHIN_S).close()
        except psycopg.Error:  # it gave up, as it may; whoever runs it starts it again
            self.postgres.stop(immediately=True)
            self.postgres.start()

    async def cut_network(self) -> None:
        ground.cut()
        try:
            await self._a_while()
        finally:
            ground.mend()

    async def set_clock_wrong(self) -> None:
        assert self.clock is not None
        ground.set_clock(self.clock, self.dice.choice(OFFSETS_S))
        await self._a_while()
        ground.set_clock(self.clock, 0)

    async def _a_while(self) -> None:
        await anyio.sleep(self.dice.uniform(*DOWN_S))
