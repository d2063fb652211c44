"""Every hostile token is refused for its own fault, at step 1: nothing of it reaches the rest of the line."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest

from audit.journal import Journal, open_journal
from audit.note import new_signer
from audit.reading import entries, unseal
from audit.sealing import Sealer
from policy.decision import Hold, Permit
from server.admission import Admission
from server.clocks import compared
from server.database import open_engine
from server.faults import Fault
from server.identity import Identify, TokenVerifier
from server.inflight import InFlight
from server.judging import Judged
from server.limits import Limits
from server.line import Approval, Bearer, Call, CallId, Cleared, House, Lease, walk
from server.quotas import Quotas
from server.refusals import Unauthenticated
from server.revocations import Revocation, Revocations, RevocationStore
from tests.identity.hostile import ONCE, PER_ALGORITHM, Case, forges
from tests.identity.issuer import client_of, verifier_of
from tools.contract import JsonObject, Masked, Wanted

FORGES = list(forges())
SEALER = Sealer(b"k" * 32, "test")
SIGNER = new_signer("test/writer")


@pytest.fixture(scope="module")
async def verifiers() -> AsyncGenerator[dict[str, TokenVerifier]]:
    """A verifier for the issuer of each algorithm."""
    async with AsyncExitStack() as stack:
        clients = {forge.alg: await stack.enter_async_context(client_of(forge.issuer)) for forge in FORGES}
        yield {alg: verifier_of(http, fresh_s=10_000) for alg, http in clients.items()}


async def test_a_good_token_is_accepted_so_that_the_bad_ones_are_refused_for_their_faults(
    verifiers: dict[str, TokenVerifier],
) -> None:
    for forge in FORGES:
        assert (await verifiers[forge.alg].verify(forge.sign())).principal.subject == "ada"


@pytest.mark.parametrize("case", PER_ALGORITHM, ids=lambda case: case[0])
async def test_a_hostile_token_is_refused_for_its_fault_whatever_its_algorithm(
    case: Case, verifiers: dict[str, TokenVerifier]
) -> None:
    _, fault, make = case
    found = {forge.alg: await _fault(verifiers[forge.alg], make(forge)) for forge in FORGES}
    assert found == dict.fromkeys(found, fault)


@pytest.mark.parametrize("case", ONCE, ids=lambda case: case[0])
async def test_what_is_hardly_a_token_is_refused_for_its_fault(case: Case, verifiers: dict[str, TokenVerifier]) -> None:
    _, fault, make = case
    assert await _fault(verifiers[FORGES[0].alg], make(FORGES[0])) is fault


async def _fault(verifier: TokenVerifier, bearer: Bearer | None) -> Fault | None:
    try:
        await verifier.verify(bearer)
    except Unauthenticated as refused:
        return refused.fault
    return None


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len({name for name, _, _ in PER_ALGORITHM + ONCE}) == len(PER_ALGORITHM) + len(ONCE) >= 100


@dataclass
class BeyondStepOne:
    """Stands for all of the line after identity, and remembers whether anything came so far."""

    name: str = "run_query"
    reached: list[str] = field(default_factory=list)

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        self._fail("ask")

    def answer(self, masked: Masked) -> JsonObject:
        self._fail("answer")

    def judge(self) -> NoReturn:
        self._fail("judge")

    async def approve(self, call: Call, judged: Judged, decision: Hold | Permit) -> Approval:
        self._fail("approve")

    def lease(self, cleared: Cleared) -> AbstractAsyncContextManager[Lease]:
        self._fail("lease")

    async def end(self, revocation: Revocation) -> None:
        self._fail("end")

    async def confirm(self, hold_id: str, question: str, first: object = None) -> bool:
        self._fail("confirm")

    def _fail(self, what: str) -> NoReturn:
        self.reached.append(what)
        raise AssertionError(what)


@pytest.fixture
async def journal(database_url: str) -> AsyncGenerator[tuple[Journal, Any]]:
    async with open_engine(database_url) as engine, open_journal(engine, SEALER, SIGNER, deadline_s=30) as journal:
        yield journal, engine


async def test_no_hostile_token_reaches_step_two_and_each_is_journaled(
    journal: tuple[Journal, Any], verifiers: dict[str, TokenVerifier]
) -> None:
    beyond = BeyondStepOne()
    for forge in FORGES:
        cases = PER_ALGORITHM + (ONCE if forge is FORGES[0] else ())
        identify = Identify(verifiers[forge.alg], {"run_query": ("snowgate:read",)})
        in_flight, quotas = InFlight(), Quotas(Limits(), journal[1])
        revocations = Revocations(RevocationStore(journal[1]), in_flight, BeyondStepOne())
        clock = await compared(journal[1], journal[0], apart_s=30)
        admission = Admission(identify, in_flight, revocations, quotas, clock)
        house = House(journal[0], admission, beyond.judge, beyond.approve, beyond.lease)
        for number, (_, fault, make) in enumerate(cases):
            call_id = CallId(f"{forge.alg}-{number}")
            call = Call(call_id, make(forge), beyond, {}, beyond.confirm, None, {"transport": "http"})
            with pytest.raises(Unauthenticated):
                await walk(call, house)
            (entry,) = await entries(journal[1], call_id=call_id, last=5)
            facts = unseal(entry, SEALER)
            assert (entry.stage, facts["code"], facts["fault"]) == ("refused", "unauthenticated", fault.value)
    assert beyond.reached == []
