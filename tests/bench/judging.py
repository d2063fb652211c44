"""What judging costs, and what rewriting costs the engine: `python -m tests.bench.judging [--json FILE] [--gate]`.

Times are CPU of this process, over statements that were never seen before where nothing else is said. The engine is
DuckDB, with the data of TPC-H and TPC-DS: what rewriting adds there is the least of several turns, original and
rewritten in alternation.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import duckdb
from rich.console import Console
from rich.table import Table

from policy.catalog_document import from_document
from policy.document import load
from policy.engine import Engine
from policy.refusal import PolicyRefusal
from policy.report import judge
from tests.bench.answers import tpch_catalog
from tests.bench.cases import CASES
from tests.bench.figures import percentile
from tests.bench.stage import POLICY
from tests.corpus.test_bad_input import HOSTILE
from tests.corpus.world import engine as corpus_engine
from tests.tpc.material import Benchmark, benchmark
from tests.tpc.world import (
    EMPTY_FILTERS,
    EVERYTHING_PUBLIC,
    READER,
    database,
    engine,
    in_duckdb,
    in_snowflake,
    most_hidden,
)

TURNS, WARM_TURNS, ENGINE_TURNS = 200, 2_000, 5
STAR_COLUMNS, STAR_TABLES = 100, (10, 1_000)
ENGINE_SCALE = 0.3
"""TPC-H's 1.8 million order lines: with fewer an engine plans for longer than it works."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds over the turns of one kind."""

    what: str
    p50_ms: float
    p99_ms: float
    worst_ms: float


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that must hold, and what was measured."""

    what: str
    measured: float
    at_most: float

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.measured <= self.at_most


def timed(kinds: Mapping[str, Sequence[Callable[[], object]]]) -> list[Measured]:
    """Run the turns of all kinds, one of each in turn, with what was there before left uncollected, as in the gate."""
    spent_ms: dict[str, list[float]] = {what: [] for what in kinds}
    gc.collect()
    gc.freeze()
    for turns in zip(*kinds.values(), strict=True):
        for what, turn in zip(kinds, turns, strict=True):
            began = time.process_time()
            turn()
            spent_ms[what].append(1_000 * (time.process_time() - began))
    gc.unfreeze()
    return [Measured(what, percentile(ms, 50), percentile(ms, 99), max(ms)) for what, ms in spent_ms.items()]


def permitted(over: Engine, sql: str) -> str:
    """What would run."""
    verdict = judge(over, READER, sql, "")
    if verdict["sql"] is None:
        raise AssertionError(verdict)
    written: str = verdict["sql"]
    return written


def typical() -> Iterator[Measured]:
    """Ten lines over four tables, unseen each time and the same each time."""
    over = Engine(
        load(POLICY.read_text(encoding="utf-8").replace("groups: [analysts]", "anyone: true")),
        from_document(tpch_catalog()),
    )
    make = CASES["typical-unseen"].make
    timed({"warm-up": [partial(permitted, over, make().sql) for _ in range(TURNS)]})
    yield from timed({"ten lines, unseen": [partial(permitted, over, make().sql) for _ in range(TURNS)]})
    again = make().sql
    yield from timed({"ten lines, repeated": [partial(permitted, over, again)] * WARM_TURNS})


def stars() -> Iterator[Measured]:
    """A star over a hundred columns, in a small catalog and in a large one."""
    kinds = {}
    for tables in STAR_TABLES:
        columns = {f"C{n}": "VARCHAR(25)" for n in range(STAR_COLUMNS)}
        catalog = from_document({"D": {"S": {f"T{n}": columns for n in range(tables)}}})
        policy = load(
            "{version: 1, defaults: {database: D, schema: S}, limits: {rows_max: 100},"
            "roles: [{id: all, who: {anyone: true}, read_role: RO, warehouse: W}], public: ['D.S.*.*'],"
            "rules: [{id: read, effect: permit, who: {anyone: true}, verbs: [read], tables: ['D.S.*']}]}"
        )
        over = Engine(policy, catalog)
        texts = [f"SELECT * FROM t{n % 10} AS t{n} WHERE c1 <> '{n}'" for n in range(TURNS)]
        kinds[f"100 columns by a star, {tables:,} tables"] = [partial(permitted, over, sql) for sql in texts]
    yield from timed(kinds)


def questions(found: Benchmark) -> list[Measured]:
    """Every question of a benchmark, several times, each time in words of its own."""
    over = engine(found, most_hidden(found))
    texts = [in_snowflake(sql) for sql in found.queries.values()]
    turns = [f"{sql}{' ' * turn}" for sql in texts for turn in range(5)]
    return timed({f"{found.folder.name}, {len(texts)} questions": [partial(permitted, over, sql) for sql in turns]})


def hostile() -> list[Measured]:
    """What is refused for its size or shape."""
    over = corpus_engine()

    def refused(sql: str) -> None:
        try:
            over.understand(sql)
        except PolicyRefusal:
            return
        raise AssertionError(sql[:100])

    return timed({"hostile text": [partial(refused, text + "\n") for text, _ in HOSTILE.values()]})


def engine_cost(found: Benchmark, protection: str) -> float:
    """How much longer the engine takes for what was written anew: the median over questions."""
    over, ratios = engine(found, protection), []
    with database(found, "first") as data:
        data.execute("SET threads TO 1")
        for sql in found.queries.values():
            own = in_duckdb(in_snowflake(sql))
            written = in_duckdb(permitted(over, in_snowflake(sql)))
            spent: dict[str, list[float]] = {own: [], written: []}
            for _ in range(ENGINE_TURNS):
                for text in spent:
                    spent[text].append(_run_ms(data, text))
            ratios.append(min(spent[written]) / min(spent[own]))
    return median(ratios)


def _run_ms(data: duckdb.DuckDBPyConnection, sql: str) -> float:
    began = time.perf_counter()
    data.execute(sql).fetchall()
    return 1_000 * (time.perf_counter() - began)


def engine_costs() -> Iterator[Bound]:
    """What the engine pays for tables that are read through their columns, and for row filters besides."""
    for name in ("tpch", "tpcds"):
        found = benchmark(name, ENGINE_SCALE)
        for what, protection, most in (
            ("every table through its columns", EVERYTHING_PUBLIC, 1.05),
            ("a row filter on every table", EMPTY_FILTERS, 1.25),
        ):
            cost = engine_cost(found, protection)
            yield Bound(f"{name}, {what}: the engine's time over the original's", cost, most)


def measure() -> tuple[list[Measured], list[Bound]]:
    """All of it."""
    found = [*typical(), *stars()]
    found += [*questions(benchmark("tpch")), *questions(benchmark("tpcds")), *hostile()]
    new, repeated, small, large, _, ds, bad = found
    bounds = [
        Bound("judging ten lines, unseen: p50 ms", new.p50_ms, 2.0),
        Bound("judging TPC-DS: median ms", ds.p50_ms, 10.0),
        Bound("judging a star in 1,000 tables, over one in 10", large.p50_ms / small.p50_ms, 1.1),
        Bound("judging a repeated statement: p50 ms", repeated.p50_ms, 0.1),
        Bound("refusing hostile text: worst ms", bad.worst_ms, 100.0),
    ]
    return found, [*bounds, *engine_costs()]


def show(found: Sequence[Measured], bounds: Sequence[Bound], console: Console) -> None:
    """Two tables."""
    times = Table("judging, CPU ms", *(name for name in ("p50", "p99", "worst")))
    for one in found:
        times.add_row(one.what, f"{one.p50_ms:.3f}", f"{one.p99_ms:.3f}", f"{one.worst_ms:.3f}")
    verdicts = Table("what must hold", "measured", "at most", "verdict")
    for bound in bounds:
        verdicts.add_row(bound.what, f"{bound.measured:.3f}", f"{bound.at_most:g}", "PASS" if bound.holds else "FAIL")
    console.print(times, verdicts)


def main() -> int:
    """Run; the exit status is 1 if `--gate` was given and something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gate", action="store_true")
    given = parser.parse_args()
    found, bounds = measure()
    show(found, bounds, Console(width=None if sys.stdout.isatty() else 120))
    if given.json:
        given.json.write_text(json.dumps({"times": [*map(asdict, found)], "bounds": [*map(asdict, bounds)]}, indent=1))
    return 1 if given.gate and not all(bound.holds for bound in bounds) else 0


if __name__ == "__main__":
    sys.exit(main())
