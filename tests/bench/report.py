"""A run as tables in a terminal, as Markdown and as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from tests.bench.cases import CASES
from tests.bench.figures import Figure, Key
from tests.bench.gates import Gate
from tests.bench.judging import Measured
from tests.bench.limits import Limits
from tests.bench.memory import Memory
from tests.bench.scaling import Point, Scaling


@dataclass(frozen=True, slots=True)
class Run:
    """All that one run found out."""

    conditions: Mapping[str, str]
    figures: Mapping[Key, Figure]
    memories: Mapping[str, Memory]
    first_answers_s: Mapping[str, float]
    scaling: Scaling
    judging: Sequence[Measured]
    gates: Sequence[Gate]
    unseen: Sequence[Gate]
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table before it is drawn; the first column is text, the others are figures."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(run: Run) -> list[Table]:
    """What a reader sees, the verdicts first."""
    stages = dict.fromkeys(key.stage for key in run.figures)
    found = [_gate_table("What must hold", run.gates)]
    if run.unseen:
        found.append(_gate_table("The same of unseen statements, of which it is not asked", run.unseen))
    found += [_stage_table(stage, [f for f in run.figures.values() if f.key.stage == stage]) for stage in stages]
    found.append(_start_table(run.first_answers_s))
    if run.memories:
        found.append(_memory_table(run.memories))
    if run.judging:
        rows = [(m.what, f"{m.p50_ms:.3f}", f"{m.p99_ms:.3f}", f"{m.worst_ms:.3f}") for m in run.judging]
        found.append(
            Table("Judging alone, from text to what runs: CPU ms", ("statements", "p50", "p99", "worst"), rows)
        )
    found += [_scaling_table(name, points) for name, points in run.scaling.items()]
    return [*found, *(_limits_tables(run.limits) if run.limits else ())]


def show(run: Run, console: Console) -> None:
    """Draw a run in a terminal."""
    for table in tables(run):
        drawn = RichTable(title=table.title, title_justify="left", header_style="bold")
        for place, name in enumerate(table.head):
            drawn.add_column(name, justify="left" if place == 0 else "right", no_wrap=place > 0)
        for row in table.rows:
            drawn.add_row(*row)
        console.print(drawn)
    for name, value in run.conditions.items():
        console.print(f"[bold]{name}[/]: {value}", highlight=False)


def markdown(run: Run) -> str:
    """A run as a document."""
    parts = [INTRODUCTION]
    for table in tables(run):
        head = ["| " + " | ".join(table.head) + " |", "| --- |" + " ---: |" * (len(table.head) - 1)]
        body = ["| " + " | ".join(row) + " |" for row in table.rows]
        parts.append("\n".join([f"## {table.title}", "", *head, *body]))
    parts.append("\n".join(["## Conditions", "", *(f"- {name}: {value}" for name, value in run.conditions.items())]))
    return "\n\n".join(parts) + "\n"


def as_json(run: Run) -> str:
    """A run for programs."""
    document: dict[str, Any] = {
        "conditions": dict(run.conditions),
        "figures": [{**figure.key._asdict(), **_without_key(figure)} for figure in run.figures.values()],
        "memory_mib": {name: {**asdict(memory), "growth": memory.growth} for name, memory in run.memories.items()},
        "first_answer_s": dict(run.first_answers_s),
        "scaling": {name: [asdict(point) for point in points] for name, points in run.scaling.items()},
        "judging": [asdict(measured) for measured in run.judging],
        "gates": [asdict(gate) for gate in run.gates],
        "unseen": [asdict(gate) for gate in run.unseen],
        "limits": None if run.limits is None else asdict(run.limits),
    }
    return json.dumps(document, indent=1)


def _without_key(figure: Figure) -> dict[str, Any]:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in asdict(figure).items()
        if name != "key"
    }


def _gate_table(title: str, gates: Iterable[Gate]) -> Table:
    rows = [(gate.name, gate.measured, gate.bound, "PASS" if gate.holds else "FAIL") for gate in gates]
    return Table(title, ("gate", "measured", "bound", "verdict"), rows)


def _stage_table(stage: str, figures: Iterable[Figure]) -> Table:
    head = (
        "case, in flight", "target", "p50 ms", "p99 ms", "x driver", "+ floor ms", "calls/s", "CPU ms", "journal ms",
        "logins", "queries", "bytes",
    )  # fmt: skip
    order = {name: place for place, name in enumerate(CASES)}
    targets = {name: place for place, name in enumerate(("driver", "floor", "snowgate"))}
    ranked = sorted(
        figures, key=lambda f: (order[f.key.case], f.key.in_flight, targets.get(f.key.target, 9), f.key.target)
    )
    return Table(f"Backend `{stage}`", head, [_figure_row(figure) for figure in ranked])


def _figure_row(figure: Figure) -> tuple[str, ...]:
    key, is_driver = figure.key, figure.key.target == "driver"
    return (
        f"{CASES[key.case].title}, {key.in_flight}",
        key.target,
        f"{figure.p50_ms:.2f}",
        f"{figure.p99_ms:.2f}",
        f"{figure.ratio:.2f}",
        "" if is_driver else f"{figure.added_ms:+.2f}",
        f"{figure.calls_per_s:.0f}",
        f"{figure.cpu_ms:.2f}",
        f"{figure.journal_cpu_ms:.2f}" if key.target == "snowgate" else "",
        f"{figure.logins_per_call:.3f}",
        f"{figure.queries_per_call:.3f}",
        "" if is_driver else f"{figure.size_bytes}",
    )


def _start_table(first_answers_s: Mapping[str, float]) -> Table:
    rows = [(name, f"{seconds:.2f}") for name, seconds in first_answers_s.items()]
    return Table("From no process to the first right answer", ("target", "s"), rows)


def _memory_table(memories: Mapping[str, Memory]) -> Table:
    rows = [
        (name, *(f"{value:.0f}" for value in (m.before, m.peak, m.growth, m.after, m.later)))
        for name, m in memories.items()
    ]
    head = ("target", "before", "peak", "growth", "after", "after more")
    return Table("Resident memory around answers of 100,000 rows, MiB", head, rows)


def _scaling_table(name: str, points: Sequence[Point]) -> Table:
    rows = [
        (f"{p.size:,}", f"{p.p50_ms:.2f}", f"{p.p99_ms:.2f}", f"{p.cpu_ms:.2f}", f"{p.first_answer_s:.2f}",
         f"{p.resident_mib:.0f}")
        for p in points
    ]  # fmt: skip
    head = ("how many", "p50 ms", "p99 ms", "CPU ms", "start to first answer s", "resident MiB")
    return Table(f"By {name}", head, rows)


def _limits_tables(limits: Limits) -> list[Table]:
    cases = list(limits.steps_ms)
    steps = dict.fromkeys(step for case in cases for step in limits.steps_ms[case])
    by_step = [(step, *(f"{limits.steps_ms[case].get(step, 0.0):.3f}" for case in cases)) for step in steps]
    crowds = [
        (c.target, c.where, f"{c.in_flight}", f"{c.calls_per_s:.0f}", f"{c.cpu_ms:.2f}", f"{c.switches:.1f}")
        for c in limits.crowds
    ]
    head = ("target", "processors", "in flight", "calls/s", "CPU ms", "switches of context a call")
    locked = [("calls of the driver's core", f"{limits.calls_of_core:.0f}"), ("events", f"{limits.log_events:.0f}")]
    return [
        Table("One call at a time, by step of the line, ms", ("step", *(CASES[case].title for case in cases)), by_step),
        Table("Many calls at once, the repeated point query", head, crowds),
        Table("How often one statement takes the interpreter's lock again", ("in the driver", "times"), locked),
    ]


INTRODUCTION = """# Benchmarks

What snowgate costs beside the same work without it, measured by `make bench` in one run on one machine, over loopback:

- **driver**: snowflake-connector-python by itself, a connection a thread;
- **floor**: the least MCP server over HTTP that answers a query, with 32 pooled connections and nothing that governs;
- **snowgate**: `snowgate serve --transport http` with token verification, policy and a journal in PostgreSQL, which
  commits to disk before a statement runs and before its answer leaves.

The backend is a stand-in that speaks Snowflake's protocol: `stub` answers at once, `lat60` sleeps 60 ms a query and
400 ms a login, the shape of a real account. Before `stub` snowgate is one process, before `lat60` and beside peers one
for each processor (`SNOWGATE_WORKERS`). All of it shares the processors with the client that measures. A
*repeated* statement is the same text again; a *new* one differs from every earlier one in a literal, as agents ask the
same of another key or day; an *unseen* one differs in the name of a column as well, so that nothing that is remembered
of others helps.
Bursts of the three follow each other in shuffled order; `x driver` and `+ floor ms` are medians over rounds of the
ratio and the difference of the medians within a round. CPU is that of the server's processes for each call (of the
whole program for the driver); `journal ms` is PostgreSQL's, apart. Logins and queries are counted by the backend.
Ratios and CPU hold from machine to machine; milliseconds do not.

*Beside peers* the same is asked of other servers and proxies, each in the version that a lock in `requirements/peers`
names, over HTTP, in the era that it knows: **snowflake-labs-mcp**, Snowflake's own server; **toolbox-server**, Google's
MCP Toolbox; **mcp-proxy** and **fastmcp**, a proxy each before the floor (the first's CPU includes the floor that it
starts), and, where there is a Python 3.12 for it, **mcp-contextforge-gateway**, IBM's proxy before the floor, with
nobody signed in. Bursts of the driver, the floor and snowgate have eight times as many calls there, so that they last
for seconds, too. None of them judges a statement, asks a person or keeps a journal.

The tables *By ...* say what grows: one caller asks for one order by its key, an unseen statement each time, before
`stub`.

**What limits it now** is in the last three tables. One call at a time waits for the disk that
holds its decision, while its statement is made ready, and for Snowflake (both in `execute`), and, after the last step
and while the answer is written out, for the disk that holds its outcome. The other steps together are a small part.
Many calls at once wait for each other in the interpreter: a statement runs in a thread, and the driver's core calls
Python back for every event that it logs; each such call takes the interpreter's lock again, for the floor as for
snowgate. A process of snowgate keeps to one processor, so that the lock stays there; the driver and the floor run where
the kernel puts them, as anybody's would, and the last table but one has both on either. Worker processes have a lock
each, and share the processors with the client, PostgreSQL and the backend.

This file and its pictures are written by `make bench`; `docs/benchmarks.json` has every figure.

![Calls a second and the time of one call, beside the driver, the floor and peers](pictures/benchmarks.svg)

![One call by the size of the statement, the journal, the catalog and the number of people](pictures/scaling.svg)"""
