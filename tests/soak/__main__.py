"""Keeps three gates busy for some minutes, lets one thing after the other go wrong, and then counts what must hold.

`python -m tests.soak MINUTES [SEED]`. Gates, workers of one, PostgreSQL, the look-alike and the issuer are killed; a
worker hangs; as root, the network is cut and the disk filled; with libfaketime, one gate's clock is wrong for a while.
What was not tried is said. It ends with 1 if a statement ran that the journal has no permit for, if an answer that a
caller got is not in the journal, if a journal's proof does not hold, or if a gate's memory keeps growing.
"""

import json
import os
import random
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio
import httpx2
from anyio.abc import Process
from typer.testing import CliRunner

from audit.entry import JournalEntry
from audit.reading import entries
from server.cli.main import app
from server.database import open_engine
from server.migrating import migrate
from server.sandbox.database_logins import make_logins
from server.sandbox.issuer import mint
from server.sandbox.postgres import EmbeddedPostgres
from server.sandbox.run import Sandbox, running_sandbox
from tests.bench.processes import free_port
from tests.soak.faults import Faults
from tests.soak.ground import enter_own_network, faked_clock, small_disk
from tests.support.databases import reachable_directory
from tests.support.gates import SERVE, environment_of

GATES, CALLERS = 3, 6
WORKERS = 2
"""Of the gates between the first and the last, processes that may be killed or hang by themselves."""
CHAOS_EVERY_S = (8.0, 20.0)
SCALE = 0.002
MEMORY_GROWTH_MAX = 1.25
ENTRIES_MAX = 2_000_000
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
ASKED = (
    "SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> '{}'",
    "SELECT full_name, email FROM crm.public.customers WHERE country <> '{}' ORDER BY customer_id LIMIT 20",
    "SELECT full_name, salary FROM crm.hr.employees WHERE title <> '{}'",
    "SELECT * FROM nowhere.at.all WHERE x = '{}'",
    "selekt '{}'",
)


@dataclass
class Soak:
    """What is under way, and what has come of it."""

    sandbox: Sandbox
    postgres: EmbeddedPostgres
    settings: dict[str, str]
    clock: dict[str, str]
    """What the last gate is started with, so that its clock can be set wrong."""
    ports: list[int]
    dice: random.Random
    until: float
    came: Counter[str] = field(default_factory=Counter)
    upsets: Counter[str] = field(default_factory=Counter)
    answered: list[str] = field(default_factory=list)
    running: dict[int, Process] = field(default_factory=dict)
    mortal: dict[int, Process] = field(default_factory=dict)
    """Those that may be killed: all but the first, which lives on to show its memory."""
    memory: dict[int, list[int]] = field(default_factory=dict)
    """Resident KiB of each process, in the order of looking."""

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until

    async def keep(self, port: int) -> None:
        """A gate at `port`, started again when it has died."""
        environment = environment_of(self.sandbox, port, **self.settings)
        if port == self.ports[-1]:
            environment |= self.clock
        elif port != self.ports[0]:
            environment["SNOWGATE_WORKERS"] = str(WORKERS)
        while not self.is_over:
            async with await anyio.open_process(SERVE, env=environment, stdout=None, stderr=None) as gate:
                self.running[port] = gate
                if port != self.ports[0]:
                    self.mortal[port] = gate
                with anyio.move_on_after(max(0.0, self.until - time.monotonic())):
                    await gate.wait()
                if gate.returncode is None:
                    gate.terminate()
                    await gate.wait()
            await anyio.sleep(0.5)

    async def call(self, caller: int) -> None:
        """Calls, each to a gate by chance, until it is over."""
        person = ("ada", "emil", "stella")[caller % 3]
        async with httpx2.AsyncClient(timeout=20) as http:
            while not self.is_over:
                marker = f"soak_{caller}_{self.dice.getrandbits(48):x}_"
                sql = self.dice.choice(ASKED).format(marker)
                try:
                    await self.ask(http, person, sql)
                except (httpx2.HTTPError, ValueError) as failure:
                    self.came[type(failure).__name__] += 1
                    await anyio.sleep(0.2)

    async def ask(self, http: httpx2.AsyncClient, person: str, sql: str) -> None:
        headers = {
            "Authorization": f"Bearer {mint(self.sandbox.state, person)}", "MCP-Protocol-Version": "2026-07-28",
            "Accept": "application/json, text/event-stream", "Mcp-Method": "tools/call", "Mcp-Name": "run_query",
        }  # fmt: skip
        params = {"name": "run_query", "arguments": {"sql": sql, "purpose": "soak"}, "_meta": META}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        url = f"http://127.0.0.1:{self.dice.choice(self.ports)}/mcp"
        response = await http.post(url, json=body, headers=headers)
        if response.status_code != 200:
            self.came[f"http {response.status_code}"] += 1
            return
        said = response.json()["result"]["structuredContent"]
        self.came[said.get("code", "answered")] += 1
        if "code" not in said:
            self.answered.append(said["call_id"])

    async def upset(self, faults: Faults) -> None:
        """Let something go wrong, wait, and again."""
        known = faults.known()
        while not self.is_over:
            await anyio.sleep(self.dice.uniform(*CHAOS_EVERY_S))
            what = self.dice.choice(list(known))
            self.upsets[what] += 1
            with anyio.CancelScope(shield=True):
                await known[what]()

    async def look(self) -> None:
        """Note how much memory each gate has."""
        while not self.is_over:
            await anyio.sleep(2.0)
            for gate in self.running.values():
                if gate.returncode is None:
                    self.memory.setdefault(gate.pid, []).append(resident_kib(gate.pid))

    async def found(self) -> dict[str, object]:
        """What must be nothing, and how much there was of what it is about."""
        async with open_engine(self.settings["SNOWGATE_AUDITOR_DATABASE_URL"]) as engine:
            kept = await entries(engine, last=ENTRIES_MAX)
        stages: dict[str, list[JournalEntry]] = {}
        for entry in kept:
            stages.setdefault(entry.call_id, []).append(entry)
        permitted = {call for call, each in stages.items() if any(entry.stage == "decided" for entry in each)}
        ran = [each.tag for each in self.sandbox.lookalike.queries() if "snowgate_call" in each.tag]
        unjournaled = [tag for tag in ran if json.loads(tag)["snowgate_call"] not in permitted]
        lost = [call for call in self.answered if "answered" not in {entry.stage for entry in stages.get(call, [])}]
        longest = max(self.memory.values(), key=len)
        early, late = (sorted(part)[len(part) // 2] for part in (longest[len(longest) // 4 :][:9], longest[-9:]))
        return {
            "calls": dict(self.came), "upsets": dict(self.upsets), "entries": len(kept), "statements": len(ran),
            "ran and not journaled": len(unjournaled), "answered and not in the journal": len(lost),
            "memory_kib": [early, late], "memory grew": late > early * MEMORY_GROWTH_MAX,
            "proof": await anyio.to_thread.run_sync(self.verified),
        }  # fmt: skip

    def verified(self) -> str:
        """What the journal's verifier says."""
        runner = CliRunner(env=environment_of(self.sandbox, self.ports[0], **self.settings) | {"COLUMNS": "200"})
        trust = self.sandbox.state.home / "trust.txt"
        trust.write_text(runner.invoke(app, ["journal", "trust"]).output)
        done = runner.invoke(app, ["journal", "verify", "--trust", str(trust)])
        return f"{done.exit_code}: {done.output.strip().splitlines()[-1]}"


def resident_kib(pid: int) -> int:
    """What a process has in memory; Linux alone says it here."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4
    except OSError:
        return 0


async def main(minutes: float, seed: int, *, has_network: bool) -> int:
    """Soak, print what was found, and say by the status whether it holds."""
    async with AsyncExitStack() as stack:
        homes = [stack.enter_context(reachable_directory()) for _ in range(2)]
        disk = stack.enter_context(small_disk(minutes))
        postgres = stack.enter_context(EmbeddedPostgres(homes[0] if disk is None else disk / "cluster"))
        await migrate(postgres.dsn())
        sandbox = await stack.enter_async_context(running_sandbox(homes[1], database_url=postgres.dsn(), scale=SCALE))
        settings = await anyio.to_thread.run_sync(make_logins, postgres.dsn())
        settings |= {"SNOWGATE_RESOURCE": sandbox.state.resource_url}
        ports = [free_port() for _ in range(GATES)]
        until = time.monotonic() + minutes * 60
        clock_file = sandbox.state.home / "clock"
        clock = faked_clock(clock_file)
        dice = random.Random(seed)  # noqa: S311 - no secret
        soak = Soak(sandbox, postgres, settings, clock, ports, dice, until)
        wrong = clock_file if clock else None
        faults = Faults(sandbox, SCALE, postgres, disk, has_network, wrong, soak.mortal, stack, dice)
        async with anyio.create_task_group() as tasks:
            for port in ports:
                tasks.start_soon(soak.keep, port)
            for caller in range(CALLERS):
                tasks.start_soon(soak.call, caller)
            tasks.start_soon(soak.upset, faults)
            tasks.start_soon(soak.look)
        found = await soak.found()
        could = {"network": has_network, "disk": disk is not None, "clock": bool(clock)}
        untried = [name for name, can in could.items() if not can]
        used = None if disk is None else (os.statvfs(disk).f_blocks - os.statvfs(disk).f_bfree) * 4 // 1024
        told = {"minutes": minutes, "seed": seed, "not tried": untried, "disk_mib": used, **found}
        print(json.dumps(told, indent=1))
    holds = not (found["ran and not journaled"] or found["answered and not in the journal"] or found["memory grew"])
    return 0 if holds and str(found["proof"]).startswith("0:") else 1


if __name__ == "__main__":
    arguments = sys.argv[1:]
    soaking = partial(main, has_network=enter_own_network())
    sys.exit(anyio.run(soaking, float(arguments[0]), int(arguments[1]) if arguments[1:] else 1))
