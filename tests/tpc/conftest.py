"""The benchmarks, loaded once for a run: data, twins and the engine under each protection."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import duckdb
import pytest

from policy.engine import Engine
from tests.tpc import world
from tests.tpc.material import Benchmark, MaterialMissing, benchmark


@dataclass(frozen=True, slots=True)
class Stage:
    """One benchmark, ready: engines by protection, and data by which twin it is."""

    benchmark: Benchmark
    engines: dict[str, Engine]
    data: dict[str, duckdb.DuckDBPyConnection]


class Stages:
    """Stages by name, each made when first asked for; skips the test where the packages cannot be had."""

    def __init__(self, kept: ExitStack) -> None:
        self._kept = kept
        self._made: dict[str, Stage] = {}
        self._missing: str | None = None

    def __call__(self, name: str) -> Stage:
        if self._missing is None and name not in self._made:
            try:
                self._made[name] = self._make(benchmark(name))
            except MaterialMissing as missing:
                self._missing = str(missing)
        if self._missing is not None:
            pytest.skip(f"the benchmarks' packages cannot be installed here: {self._missing}")
        return self._made[name]

    def _make(self, found: Benchmark) -> Stage:
        engines = {
            "none": world.engine(found, world.EVERYTHING_PUBLIC),
            "empty": world.engine(found, world.EMPTY_FILTERS),
            "masks": world.engine(found, world.most_hidden(found)),
            "filters": world.engine(found, world.rows_hidden(found)),
        }
        data = {which: self._kept.enter_context(world.database(found, which)) for which in world.TWINS}
        return Stage(found, engines, data)


@pytest.fixture(scope="package")
def stages() -> Iterator[Stages]:
    """The way to a benchmark's stage."""
    with ExitStack() as kept:
        yield Stages(kept)
