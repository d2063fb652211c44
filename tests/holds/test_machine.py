"""Holds under every order of requests, decisions, expiry, crashes and replicas: what ran was approved, and ran once.

The machine drives real stores, two replicas on one PostgreSQL, beside a model so naive that it can be read at a glance.
"""

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio
import hypothesis.strategies as st
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from policy.approving import Verdict
from server.database import create_engine
from server.hold_record import Claim, HoldRecord, State
from server.hold_refusals import AlreadyDecided
from server.refusals import HoldSpent
from tests.holds.stores import entry, opened, said, store
from tests.support.databases import Databases

QUORUM = entry(("owners", 2))
OWN = entry()
DIGESTS = [bytes([n]) * 32 for n in range(3)]
PEOPLE = ["ben", "cleo", "dan"]
T = TypeVar("T")


class Model:
    """What is true of one hold: who said what, and how often it ran."""

    def __init__(self, *, is_own: bool) -> None:
        self.is_own = is_own
        self.yes: set[str] = set()
        self.no: set[str] = set()
        self.is_confirmed = False
        self.is_over = False
        self.runs = 0

    @property
    def may_run(self) -> bool:
        return self.is_confirmed if self.is_own else len(self.yes) >= 2 and not self.no


class Replicas(RuleBasedStateMachine):
    """Two replicas, their clients, and a clock that can be moved."""

    engine: AsyncEngine
    portal: BlockingPortal
    opened_holds = Bundle("opened_holds")
    claims = Bundle("claims")

    @initialize()
    def start(self) -> None:
        self.model: dict[str, Model] = {}
        self.stores = [store(self.engine), store(self.engine)]
        self.held: dict[str, HoldRecord] = {}
        self.sql("delete from gate.hold")

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        done: T = self.portal.call(work)
        return done

    def sql(self, statement: str) -> None:
        async def execute() -> None:
            async with self.engine.begin() as connection:
                await connection.execute(text(statement))

        self.run(execute)

    @rule(target=opened_holds, digest=st.sampled_from(DIGESTS), is_own=st.booleans(), at=st.integers(0, 1))
    def request(self, digest: bytes, is_own: bool, at: int) -> str:
        hold = self.run(lambda: opened(self.stores[at], digest, OWN if is_own else QUORUM))
        if hold.id not in self.model:
            assert all(model.is_over or self.held[each].bound != hold.bound for each, model in self.model.items())
            self.model[hold.id] = Model(is_own=is_own)
            self.held[hold.id] = hold
        return str(hold.id)

    @rule(hold_id=opened_holds, who=st.sampled_from(PEOPLE), verdict=st.sampled_from(Verdict), at=st.integers(0, 1))
    def decide(self, hold_id: str, who: str, verdict: Verdict, at: int) -> None:
        model = self.model[hold_id]
        if model.is_own:
            return  # the desk lets nobody decide on these
        word = said(who, "owners", verdict=verdict)
        try:
            self.run(lambda: self.stores[at].vote(self.held[hold_id], word, QUORUM))
        except (HoldSpent, AlreadyDecided):
            return
        assert not model.is_over
        assert who not in model.yes | model.no
        (model.yes if verdict is Verdict.APPROVE else model.no).add(who)
        model.is_over = bool(model.no)

    @rule(target=claims, hold_id=opened_holds, confirms=st.booleans(), times=st.integers(1, 4))
    def claim(self, hold_id: str, confirms: bool, times: int) -> list[tuple[str, str]]:
        """Several clients at once, on both replicas, want to run it."""
        model, hold = self.model[hold_id], self.held[hold_id]
        confirms = confirms and model.is_own
        won: list[str] = []

        async def one(at: int) -> None:
            with contextlib.suppress(HoldSpent):
                won.append(await self.stores[at % 2].claim(hold, confirmed=confirms, within_s=60))

        async def all_at_once() -> None:
            async with anyio.create_task_group() as tasks:
                for n in range(times):
                    tasks.start_soon(one, n)

        self.run(all_at_once)
        assert len(won) <= 1
        if won:
            model.is_confirmed = model.is_confirmed or confirms
            assert model.may_run
            assert not model.is_over
        return [(hold_id, each) for each in won]

    @rule(claimed=claims, outcome=st.sampled_from(["runs", "crashes before", "crashes after", "gives back"]))
    def execute(self, claimed: list[tuple[str, str]], outcome: str) -> None:
        for hold_id, claim in claimed:
            self.execute_one(hold_id, Claim(claim), outcome)

    def execute_one(self, hold_id: str, claim: Claim, outcome: str) -> None:
        model, at = self.model[hold_id], self.stores[0]
        if outcome == "gives back":
            self.run(lambda: at.release(hold_id, claim))
            return
        if not self.run(lambda: at.begin(hold_id, claim, 7, "tag")):
            return
        if outcome == "crashes before":
            return
        model.runs += 1  # COMMIT
        model.is_over = True
        if outcome == "runs":
            assert self.run(lambda: at.settle(hold_id, claim, State.EXECUTED, {}))

    @rule(hold_id=opened_holds, at=st.integers(0, 1))
    def recover(self, hold_id: str, at: int) -> None:
        """Another replica finds a claim whose time is over; Snowflake's history is the model's."""
        self.sql("update gate.hold set claim_until = now() - interval '1 second' where state = 'executing'")
        model, holds = self.model[hold_id], self.stores[at]
        hold = self.run(lambda: holds.find(hold_id))
        if hold.state is not State.EXECUTING:
            return
        claim = self.run(lambda: holds.take_over(hold))
        assert claim is not None
        if model.runs:
            assert self.run(lambda: holds.settle(hold_id, claim, State.EXECUTED, {}))
        else:
            assert self.run(lambda: holds.release(hold_id, claim))

    @rule(hold_id=opened_holds)
    def withdraw(self, hold_id: str) -> None:
        if self.run(lambda: self.stores[1].close(self.held[hold_id], State.WITHDRAWN)):
            assert self.model[hold_id].runs == 0
            self.model[hold_id].is_over = True

    @precondition(lambda self: self.model)
    @rule()
    def time_passes(self) -> None:
        self.sql("update gate.hold set expires_at = now() - interval '1 second'")
        for hold in self.run(self.stores[0].expire_due):
            self.model[hold.id].is_over = True

    @invariant()
    def what_ran_was_approved_and_ran_once(self) -> None:
        for model in getattr(self, "model", {}).values():
            assert model.runs <= 1
            assert not model.runs or model.may_run


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_run_means_approved_once_for_exactly_that(databases: Databases) -> None:
    with databases.fresh() as url, start_blocking_portal("asyncio") as portal:
        Replicas.portal = portal
        Replicas.engine = create_engine(url)
        try:
            run_state_machine_as_test(
                Replicas,
                settings=settings(
                    max_examples=12,
                    stateful_step_count=25,
                    deadline=None,
                    phases=[Phase.explicit, Phase.generate],  # shrinking a race takes minutes and shows nothing new
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            portal.call(Replicas.engine.dispose)
