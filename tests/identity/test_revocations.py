"""Nobody is let in on what a replica has not been able to read lately."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import anyio
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from policy.decision import Permit, RunSql
from policy.engine import Provenance
from policy.principal import Principal, Subject
from policy.statement import Verb
from server.database import open_engine
from server.histories import Histories
from server.inflight import InFlight
from server.leases import CatalogLease
from server.lending import Lending
from server.limits import Limits
from server.line import CallId, Cleared, Lease
from server.quotas import Quotas
from server.refusals import RevocationsUnavailable, Revoked
from server.revocations import STALE_S, Revocation, RevocationId, Revocations, RevocationStore
from server.sandbox.database_logins import make_logins
from tests.identity.issuer import Clock
from tests.support.databases import driver_dsn
from tests.support.decided import decided
from tools.contract import Sql

ADA = Principal(Subject("ada"), "claude", "https://issuer.test", session="s1")


class NoSessions:
    async def end(self, revocation: Revocation) -> None:
        raise AssertionError(revocation)


async def test_what_was_read_a_moment_ago_needs_no_other_look(engine: AsyncEngine) -> None:
    clock = Clock()
    revocations = Revocations(RevocationStore(engine), InFlight(), NoSessions(), clock)
    await revocations.check(ADA)
    await RevocationStore(engine).make("all", None, None, why="w", by="b")
    clock.now += STALE_S
    await revocations.check(ADA)
    clock.now += 0.1
    with pytest.raises(Revoked):
        await revocations.check(ADA)


async def test_a_revocation_counts_though_replicas_cannot_be_told_of_it(database_url: str) -> None:
    """As where the queue of notifications is full, which any login of the database can see to."""
    url = make_logins(database_url)["SNOWGATE_DATABASE_URL"]
    with psycopg.connect(driver_dsn(database_url), autocommit=True) as connection:
        connection.execute("revoke execute on function pg_catalog.pg_notify(text, text) from public")
    async with open_engine(url) as engine:
        store = RevocationStore(engine)
        made = await store.make("all", None, None, why="w", by="b")
        assert [each.id for each in await store.in_force()] == [made]
        assert await store.lift(made, why="w", by="b")
        assert await store.in_force() == []


async def test_without_a_database_that_answers_nobody_is_let_in(closed_database: str) -> None:
    async with open_engine(closed_database) as engine:
        with anyio.fail_after(20), pytest.raises(RevocationsUnavailable):
            await Revocations(RevocationStore(engine), InFlight(), NoSessions()).check(ADA)


async def test_what_was_known_before_an_outage_is_not_believed_for_long(
    engine: AsyncEngine, closed_database: str
) -> None:
    clock = Clock()
    revocations = Revocations(RevocationStore(engine), InFlight(), NoSessions(), clock)
    await revocations.check(ADA)
    async with open_engine(closed_database) as gone:
        revocations.store = RevocationStore(gone)
        await revocations.check(ADA)
        clock.now += STALE_S + 0.1
        with pytest.raises(RevocationsUnavailable):
            await revocations.check(ADA)


@pytest.fixture
def closed_database(free_tcp_port: int) -> str:
    return f"postgresql://nobody:nothing@127.0.0.1:{free_tcp_port}/none"


async def test_a_call_that_was_let_in_just_before_is_ended(engine: AsyncEngine) -> None:
    """Whichever comes first, the look or the revocation: the call is known as its principal's before it is let in."""
    in_flight = InFlight()
    revocations = Revocations(RevocationStore(engine), in_flight, NoSessions())
    reached: list[str] = []
    with anyio.fail_after(20):
        with in_flight.one(CallId("c1")) as ada, in_flight.one(CallId("c2")):
            in_flight.is_of(CallId("c1"), ADA)
            await revocations.check(ADA)
            await RevocationStore(engine).make("session", "s1", None, why="w", by="b")
            await revocations.read()
            await anyio.lowlevel.checkpoint()
            reached.append("beyond")
    assert reached == []
    assert ada.ended_for is not None


async def test_a_call_whose_lease_has_ended_is_ended_by_itself_again(engine: AsyncEngine) -> None:
    """While it has a lease, its session is ended for it; afterwards nothing else would end it."""
    in_flight = InFlight()
    lending = Lending(nothing_leased, in_flight, Quotas(Limits(), engine), Histories(engine))
    run = RunSql("select 1", Verb.READ, "READER", "WH", rows_max=5, statement_timeout_s=30)
    wanted = Sql("select 1", (), "why", is_write=False)
    permit, provenance = Permit(frozenset(), run), Provenance("p1", "c1", "sqlglot")
    cleared = Cleared(CallId("c1"), ADA, wanted, permit, provenance, decided)
    seen: list[bool] = []
    with in_flight.one(cleared.call_id) as underway:
        for error in (None, ZeroDivisionError()):
            with suppress(ZeroDivisionError):
                async with lending(cleared):
                    seen.append(underway.has_lease)
                    if error is not None:
                        raise error
            seen.append(underway.has_lease)
    assert seen == [True, False] * 2


@asynccontextmanager
async def nothing_leased(cleared: Cleared) -> AsyncGenerator[Lease]:
    yield CatalogLease()


@pytest.mark.parametrize(
    ("revocation", "is_meant"),
    [
        (("all", None, None), True),
        (("all", None, ADA.issuer), True),
        (("all", None, "https://other.test"), False),
        (("principal", "ada", None), True),
        (("principal", "ada", "https://other.test"), False),
        (("principal", "ADA", None), False),
        (("principal", "s1", None), False),
        (("session", "s1", None), True),
        (("session", "ada", None), False),
    ],
)
def test_a_revocation_means_whom_it_names(revocation: tuple[str, str | None, str | None], is_meant: bool) -> None:
    kind, name, issuer = revocation
    made = Revocation(RevocationId("r"), kind, name, issuer, "w", "b")  # type: ignore[arg-type]
    assert made.matches(ADA) is is_meant
