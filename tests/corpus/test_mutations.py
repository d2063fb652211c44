"""Thousands of mutants of the corpus: each is refused or protected, quickly, and nothing but a refusal is ever raised.

`SNOWGATE_MUTANTS` asks for more than the usual number, and `SNOWGATE_SEED` for others. A failure prints the mutant as
a case, to be put into the file of its category.
"""

import math
import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic

import duckdb
import pytest

from policy.refusal import PolicyRefusal
from policy.report import judge
from tests.corpus.cases import attacks
from tests.corpus.lexer import leak
from tests.corpus.mutations import mutate
from tests.corpus.test_noninterference import VOLATILE
from tests.corpus.twins import Twins, run, twin
from tests.corpus.world import PROTECTED_TABLE, WRITER, engine
from tests.support.scores import Score
from tests.support.timing import cpu_s

MUTANTS = int(os.environ.get("SNOWGATE_MUTANTS", "4000"))
SEED = int(os.environ.get("SNOWGATE_SEED", "1"))
CPU_MAX_S = 0.25
RUN_MAX_S = 1.0
PERMITTED_SHARE_MIN = 0.1
RUN_SHARE_MIN = 0.02


@pytest.fixture(scope="module")
def twins() -> Iterator[Twins]:
    with twin(0) as first, twin(1) as second:
        yield first, second


@pytest.fixture(scope="module")
def watch(twins: Twins) -> Iterator["_Watch"]:
    watch = _Watch(twins)
    with watch.watching():
        yield watch


@pytest.mark.slow
def test_no_mutant_gets_through(twins: Twins, watch: "_Watch", score: Score) -> None:
    seeds = [case.sql for case in attacks() if case.must != "RESIDUAL" and case.known is None and len(case.sql) < 1_000]
    dice = random.Random(SEED)  # noqa: S311 - a reproducible choice of mutants
    counts: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(MUTANTS):
        sql = mutate(dice.choice(seeds), dice, seeds)
        took_s = cpu_s(partial(_understand, sql))
        if took_s > CPU_MAX_S:
            took_s = min(took_s, cpu_s(partial(_understand, sql + " ")))  # another text, so that it is judged again
        assert took_s < CPU_MAX_S, _case(sql)
        slowest = max(slowest, took_s)
        verdict = judge(engine(), WRITER, sql, "")
        counts[verdict["decision"]] += 1
        counts[verdict["code"] or ""] += 1
        if verdict["sql"] is not None:
            assert leak(verdict["sql"]) is None, f"{leak(verdict['sql'])}\n{_case(sql)}\n{verdict['sql']}"
            counts["run"] += _tells_nothing(twins, watch, sql, verdict["sql"])
    score(f"mutants {MUTANTS}: {counts['permit']} permitted, {counts['hold']} held, {counts['run']} ran on twins;")
    score(f"  slowest {slowest * 1000:.0f} ms; {dict(counts.most_common())}")
    assert counts["permit"] >= PERMITTED_SHARE_MIN * MUTANTS
    assert counts["run"] >= RUN_SHARE_MIN * MUTANTS


def _understand(sql: str) -> None:
    """Raises AssertionError for whatever is raised that is no refusal."""
    try:
        engine().understand(sql)
    except PolicyRefusal:
        pass
    except Exception as error:
        raise AssertionError(f"{error!r}\n{_case(sql)}") from error


def _tells_nothing(twins: Twins, watch: "_Watch", sql: str, written: str) -> bool:
    """Whether a mutant that reads the protected table ran on both twins; fails if they answer differently."""
    if f'"{PROTECTED_TABLE}"' not in written or any(
        word in written.upper() for word in (*VOLATILE, "SEQ", "GENERATOR")
    ):
        return False
    if not written.lstrip("( ").upper().startswith(("SELECT", "WITH")):
        return False
    try:
        with watch.bounded():
            first, second = (run(each, written) for each in twins)
    except (NotImplementedError, duckdb.InterruptException):
        return False
    assert first == second, _case(sql)
    return True


class _Watch:
    """Interrupts what runs on either twin for too long: a mutant may have lost the end of its recursion.

    An interrupt that meets no running statement is lost, so it is repeated until the statement is given up.
    """

    def __init__(self, twins: Twins) -> None:
        self._twins = twins
        self._late_at = math.inf
        self._over = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        watchman = threading.Thread(target=self._interrupt_the_late, daemon=True)
        watchman.start()
        try:
            yield
        finally:
            self._over.set()
            watchman.join(RUN_MAX_S)

    @contextmanager
    def bounded(self) -> Iterator[None]:
        self._late_at = monotonic() + RUN_MAX_S
        try:
            yield
        finally:
            self._late_at = math.inf

    def _interrupt_the_late(self) -> None:
        while not self._over.wait(RUN_MAX_S / 10):
            if monotonic() > self._late_at:
                for each in self._twins:
                    each.interrupt()


def _case(sql: str) -> str:
    return f"--#S-mutant-1 | mutant | must=DENY | seed {SEED}\n{sql}"
