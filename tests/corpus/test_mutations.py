"""Thousands of mutants of the corpus: each is refused or protected, quickly, and nothing but a refusal is ever raised.

`SNOWGATE_MUTANTS` asks for more than the usual number, and `SNOWGATE_SEED` for others. A failure prints the mutant as
a case, to be put into the file of its category.
"""

import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

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


@pytest.mark.slow
def test_no_mutant_gets_through(twins: Twins, capsys: pytest.CaptureFixture[str]) -> None:
    seeds = [case.sql for case in attacks() if case.must != "RESIDUAL" and case.known is None and len(case.sql) < 1_000]
    dice = random.Random(SEED)  # noqa: S311 - a reproducible choice of mutants
    counts: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(MUTANTS):
        sql = mutate(dice.choice(seeds), dice, seeds)
        cpu_s = _cpu_s(sql)
        if cpu_s > CPU_MAX_S:
            cpu_s = min(cpu_s, _cpu_s(sql + " "))  # another text, so that it is judged again
        assert cpu_s < CPU_MAX_S, _case(sql)
        slowest = max(slowest, cpu_s)
        verdict = judge(engine(), WRITER, sql, "")
        counts[verdict["decision"]] += 1
        counts[verdict["code"] or ""] += 1
        if verdict["sql"] is not None:
            assert leak(verdict["sql"]) is None, f"{leak(verdict['sql'])}\n{_case(sql)}\n{verdict['sql']}"
            counts["run"] += _tells_nothing(twins, sql, verdict["sql"])
    with capsys.disabled():
        print(
            f"\nmutants {MUTANTS}: {counts['permit']} permitted, {counts['hold']} held, {counts['run']} ran on twins;"
        )
        print(f"  slowest {slowest * 1000:.0f} ms; {dict(counts.most_common())}")
    assert counts["permit"] >= PERMITTED_SHARE_MIN * MUTANTS
    assert counts["run"] >= RUN_SHARE_MIN * MUTANTS


def _cpu_s(sql: str) -> float:
    """Seconds of CPU that understanding takes; raises whatever is raised that is no refusal."""
    began = process_time()
    try:
        engine().understand(sql)
    except PolicyRefusal:
        pass
    except Exception as error:
        raise AssertionError(f"{error!r}\n{_case(sql)}") from error
    return process_time() - began


def _tells_nothing(twins: Twins, sql: str, written: str) -> bool:
    """Whether a mutant that reads the protected table ran on both twins; fails if they answer differently."""
    if f'"{PROTECTED_TABLE}"' not in written or any(
        word in written.upper() for word in (*VOLATILE, "SEQ", "GENERATOR")
    ):
        return False
    if not written.lstrip("( ").upper().startswith(("SELECT", "WITH")):
        return False
    try:
        with _bounded(twins):
            first, second = (run(each, written) for each in twins)
    except (NotImplementedError, duckdb.InterruptException):
        return False
    assert first == second, _case(sql)
    return True


@contextmanager
def _bounded(twins: Twins) -> Iterator[None]:
    """Interrupt what runs for too long: a mutant may have lost the end of its recursion."""
    timers = [threading.Timer(RUN_MAX_S, each.interrupt) for each in twins]
    for timer in timers:
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


def _case(sql: str) -> str:
    return f"--#S-mutant-1 | mutant | must=DENY | seed {SEED}\n{sql}"
