"""The command: `python -m tests.bench [--quick] [--cases ...] [--json FILE] [--markdown FILE] [--gate] [--profile]`."""

import argparse
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio
from rich.console import Console

from server.sandbox.postgres import EmbeddedPostgres
from server.warehouse import prepare_process
from tests.bench import judging
from tests.bench.agreement import check_agreement
from tests.bench.cases import CASES
from tests.bench.conditions import Watch, conditions, load
from tests.bench.credentials import Keys
from tests.bench.figures import figures
from tests.bench.gates import UNSEEN, Gate, gates, throughput
from tests.bench.limits import limits
from tests.bench.memory import Memory, measure_memory
from tests.bench.peers import PEERS, NoPython, install, locked, peer
from tests.bench.plots import draw
from tests.bench.profiling import profile
from tests.bench.report import Run, as_json, markdown, show
from tests.bench.rounds import Burst, Contender, contenders, peer_steps, run_rounds, steps, warm_up
from tests.bench.scaling import scaling
from tests.bench.stage import SERVE, STAGES, STUB, STUB_PEERS, Premises, Server, Stage, backend, snowgate, staged
from tests.support.databases import reachable_directory
from tests.tpc.material import SCALE, benchmark

console = Console(width=None if sys.stdout.isatty() else 160)


def parse() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds of fewer calls, without peers: a minute")
    parser.add_argument("--rounds", type=int, help="how many rounds instead")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES), metavar="CASE")
    parser.add_argument("--stages", nargs="+", choices=[stage.name for stage in STAGES])
    parser.add_argument("--no-scaling", action="store_true", help="do not measure what grows, nor judging alone")
    parser.add_argument("--client", choices=["light", "official"], default="light")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file, and pictures beside it")
    parser.add_argument("--gate", action="store_true", help="fail if something that must hold does not")
    parser.add_argument("--profile", action="store_true", help="say where snowgate's time goes, and nothing else")
    given = parser.parse_args()
    given.stages = given.stages or [stage.name for stage in STAGES if not (stage.peers and given.quick)]
    return given


@contextmanager
def premises(given: argparse.Namespace) -> Generator[Premises]:
    """A directory, keys and a PostgreSQL for the length of the run."""
    with reachable_directory() as home, EmbeddedPostgres(home / "postgres") as postgres:
        prepare_process()  # not earlier: it takes the search path, which finds PostgreSQL's programs
        yield Premises(home, postgres, Keys.made_in(home), given.client)


async def measure(given: argparse.Namespace, place: Premises, environments: Mapping[str, Path]) -> Run:
    """The whole run."""
    facts = conditions()
    watch = Watch()
    bursts: list[Burst] = []
    memories: dict[str, Memory] = {}
    first_answers_s: dict[str, float] = {}
    rounds = given.rounds or (2 if given.quick else 6)
    for slowness in (each for each in STAGES if each.name in given.stages):
        async with staged(place, slowness) as stage, AsyncExitStack() as started:
            if slowness is STUB:
                tell("stub: are the answers right, and how much memory do large ones take?")
                if "rows100k" in given.cases:
                    more = 1 if given.quick else 4
                    memories = {s.target.name: await measure_memory(s, more) for s in (stage.floor, stage.snowgate)}
                await check_agreement(stage)
            if not first_answers_s:
                first_answers_s = await _first_answers(stage, place, more=0 if given.quick else 2)
            others = [await started.enter_async_context(each) for each in _peers(stage, place, environments)]
            for other in others if slowness is STUB_PEERS else []:
                first_answers_s[other.target.name] = other.first_answer_s
            bursts += await _stage_bursts(stage, place, given, others, rounds)
    found = figures(bursts)
    facts |= {"load after": load(), "others": watch.others(), "client": given.client, "rounds": str(rounds)}
    if environments:
        facts["peers"] = ", ".join(locked(each) for each in PEERS if each.package in environments)
    grown, limited = {}, None
    if not (given.quick or given.no_scaling):
        async for name, points in scaling(place):
            tell(f"measured by {name}")
            grown[name] = points
        limited = await limits(place)
    judged, bounds = ([], []) if given.quick or given.no_scaling else judging.measure()
    told = [Gate(each.what, f"{each.measured:.3f}", f"at most {each.at_most:g}", each.holds) for each in bounds]
    held = [*gates(found, memories, first_answers_s), *told]
    return Run(facts, found, memories, first_answers_s, grown, judged, held, [*throughput(found, UNSEEN)], limited)


def _peers(
    stage: Stage, place: Premises, environments: Mapping[str, Path]
) -> Iterator[AbstractAsyncContextManager[Server]]:
    """The peers of a stage, not yet started."""
    for each in (each for each in PEERS if stage.slowness.peers and each.package in environments):
        tell(f"{stage.slowness.name}: starting {each.package}")
        floor_port = urlsplit(stage.floor.target.url).port or 0
        yield peer(each, environments[each.package], place.home, stage.backend_port, floor_port)


async def _stage_bursts(
    stage: Stage, place: Premises, given: argparse.Namespace, others: Sequence[Server], rounds: int
) -> list[Burst]:
    those = contenders(stage, place.postgres.pid)
    those += [Contender(other.target, other.pid) for other in others]
    slowness = stage.slowness
    await warm_up(those, stage.backend_port)
    if slowness.peers:
        return await run_rounds(stage, those, peer_steps(slow=slowness.is_slow), max(rounds // 2, 2), tell)
    planned = steps(given.cases, slow=slowness.is_slow, quick=given.quick)
    return await run_rounds(stage, those, planned, max(rounds // 2, 2) if slowness.is_slow else rounds, tell)


async def _first_answers(stage: Stage, place: Premises, more: int) -> dict[str, float]:
    """Seconds to the first right answer; of snowgate the median of the stage's start and `more` others."""
    seconds = [stage.snowgate.first_answer_s]
    for _ in range(more):
        async with snowgate(place, stage.backend_port, SERVE) as started:
            seconds.append(started.first_answer_s)
    return {"floor": stage.floor.first_answer_s, "snowgate": sorted(seconds)[len(seconds) // 2]}


def tell(what: str) -> None:
    """Say how far it is."""
    console.print(f"[dim]{what}[/]", highlight=False)


async def profile_snowgate(place: Premises) -> None:
    """Profile new statements against the stub."""
    async with backend(place, STUB) as (port, _):
        await profile(place, port, console)


def main() -> int:
    """Run; the exit status is 1 if `--gate` was given and a gate does not hold."""
    given = parse()
    options = {"use_uvloop": sys.platform != "win32"}
    environments = {}
    has_peers = not given.profile and any(stage.peers for stage in STAGES if stage.name in given.stages)
    for each in PEERS if has_peers else ():
        tell(f"installing {each.package}")
        try:
            environments[each.package] = install(each)
        except NoPython as missing:
            tell(f"left out: {missing}")
    for name in ("tpch", "tpcds") if not (given.quick or given.no_scaling or given.profile) else ():
        for scale in (SCALE, judging.ENGINE_SCALE):
            benchmark(name, scale)  # while there is a search path to install by
    with premises(given) as place:
        if given.profile:
            anyio.run(profile_snowgate, place, backend_options=options)
            return 0
        run = anyio.run(measure, given, place, environments, backend_options=options)
    show(run, console)
    if given.json:
        given.json.write_text(as_json(run), encoding="utf-8")
    if given.markdown:
        given.markdown.write_text(markdown(run), encoding="utf-8")
        draw(run, given.markdown.parent / "pictures")
    return 1 if given.gate and not all(gate.holds for gate in run.gates) else 0


if __name__ == "__main__":
    sys.exit(main())
