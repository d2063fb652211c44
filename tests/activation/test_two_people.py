"""Where two people are wanted, a policy counts when somebody with another login of the database agrees to it."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

import anyio
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from server import activation as activation_module
from server.activation import Activations, ActivationStore, following
from server.bundles import Bundles
from server.config import SettingsError
from server.database import database_url as url_of
from server.database import open_engine
from server.engine_room import EngineRoom
from server.refusals import ActivationBusy, NotSeconded
from server.rights import refuse_excess
from tests.activation.test_rooms import OPEN, SHUT, decided, room, text_of
from tests.support.databases import driver_dsn

__all__ = ["room"]

NEEDS = """
    GRANT USAGE ON SCHEMA gate TO {0};
    GRANT SELECT, INSERT ON gate.policy_activation, gate.policy_seconding TO {0}
"""


@dataclass(frozen=True)
class Operators:
    """Two people with logins of their own, and the gates' view."""

    grace: ActivationStore
    heidi: ActivationStore
    gates: ActivationStore


@pytest.fixture
async def operators(database_url: str) -> AsyncGenerator[Operators]:
    async with AsyncExitStack() as stack:
        urls = [database_url, *[stack.enter_context(login_of(database_url, who)) for who in ("grace", "heidi")]]
        gates, grace, heidi = [await stack.enter_async_context(open_engine(url)) for url in urls]
        yield Operators(ActivationStore(grace), ActivationStore(heidi), ActivationStore(gates, people=2))


@contextmanager
def login_of(url: str, person: str) -> Iterator[str]:
    """The database by a login of this person's own, which may do no more than it needs."""
    name = f"{url_of(url).database}_{person}"
    login = sql.Identifier(name)
    with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login password 'x'").format(login))
        connection.execute(sql.SQL(NEEDS).format(login))
        yield url_of(url).set(username=name, password="x").render_as_string(hide_password=False)
        connection.execute(sql.SQL("drop owned by {0}; drop role {0}").format(login))


async def activated(who: ActivationStore, document: str) -> int:
    return await who.add("enforce", text_of(document), why="a test", by="the same name")


async def test_what_one_person_activates_counts_when_another_agrees(operators: Operators, room: EngineRoom) -> None:
    activations = Activations(operators.gates, room, Bundles(None, None))  # type: ignore[arg-type]
    n = await activated(operators.grace, SHUT)
    await activations.read()
    assert type(decided(room).decision).__name__ == "Permit"
    await operators.heidi.second(n, text_of(SHUT).digest, why="read it", by="the same name")
    await activations.read()
    assert type(decided(room).decision).__name__ == "Deny"
    again = await activated(operators.heidi, OPEN)
    await activations.read()
    assert type(decided(room).decision).__name__ == "Deny"
    assert [each.seconded_by for each in await operators.gates.history(5)] == [None, "the same name"]
    await operators.grace.second(again, text_of(OPEN).digest, why="read it", by="me")
    await activations.read()
    assert type(decided(room).decision).__name__ == "Permit"


async def test_nobody_seconds_their_own_whatever_they_call_themselves(operators: Operators) -> None:
    n, digest = await activated(operators.grace, SHUT), text_of(SHUT).digest
    with pytest.raises(NotSeconded):
        await operators.grace.second(n, digest, why="me again", by="somebody else")
    async with operators.grace.engine.connect() as connection:
        insert = text("insert into gate.policy_seconding (n, login, why, made_by) values (:n, 'heidi', 'x', 'heidi')")
        with pytest.raises(DBAPIError):
            await connection.execute(insert, {"n": n})
    async with operators.grace.engine.begin() as connection:
        forged = "insert into gate.policy_activation (mode, digest, document, rule_sets, why, made_by, login) "
        forged += "select mode, digest, document, rule_sets, why, made_by, 'heidi' from gate.policy_activation"
        await connection.execute(text(forged))
    with pytest.raises(NotSeconded):
        await operators.grace.second(n + 1, digest, why="as if heidi had made it", by="grace")
    assert await operators.gates.newest() == {}


async def test_a_gate_believes_no_seconding_by_the_login_that_activated(operators: Operators) -> None:
    """Also where somebody has put the trigger aside."""
    n = await activated(operators.grace, SHUT)
    async with operators.gates.engine.begin() as connection:
        await connection.execute(text("set local session_replication_role = replica"))
        forged = "insert into gate.policy_seconding (n, login, why, made_by) "
        await connection.execute(text(forged + "select n, login, 'x', 'x' from gate.policy_activation"))
    assert n
    assert await operators.gates.newest() == {}
    assert await operators.gates.is_open()


async def test_what_is_seconded_is_the_policy_that_was_read_and_the_newest(operators: Operators) -> None:
    first, second = await activated(operators.grace, OPEN), await activated(operators.grace, SHUT)
    for n, document in ((first, SHUT), (second + 1, SHUT)):
        with pytest.raises(NotSeconded):
            await operators.heidi.second(n, text_of(document).digest, why="x", by="heidi")
    await operators.heidi.second(second, text_of(SHUT).digest, why="x", by="heidi")
    for n, document in ((second, SHUT), (first, OPEN)):  # again; and what was overtaken
        with pytest.raises(NotSeconded):
            await operators.heidi.second(n, text_of(document).digest, why="x", by="heidi")
    assert (await operators.gates.newest())["enforce"].n == second


async def test_of_two_that_agree_at_once_to_an_older_and_a_newer_policy_the_newer_counts(
    operators: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked before either was there: the database looks again."""
    first, second = await activated(operators.grace, OPEN), await activated(operators.grace, SHUT)
    check, looked, go_on = ActivationStore._check, anyio.Event(), anyio.Event()

    async def look_and_wait(store: ActivationStore, connection: AsyncConnection, n: int, digest: str) -> None:
        await check(store, connection, n, digest)
        if n == first:
            looked.set()
            await go_on.wait()

    monkeypatch.setattr(ActivationStore, "_check", look_and_wait)

    async def agree_to_the_newer() -> None:
        await looked.wait()
        await operators.heidi.second(second, text_of(SHUT).digest, why="read it", by="heidi")
        go_on.set()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(agree_to_the_newer)
            with pytest.raises(NotSeconded, match="agreed to"):
                await operators.heidi.second(first, text_of(OPEN).digest, why="read it", by="heidi")
    assert [each.seconded_by for each in await operators.gates.history(5)] == ["heidi", None]


async def test_a_gate_does_not_go_back_to_its_file_because_two_people_are_wanted_from_now_on(
    operators: Operators, room: EngineRoom
) -> None:
    n = await activated(operators.grace, SHUT)
    bundles = Bundles(None, None)  # type: ignore[arg-type]
    with pytest.raises(NotSeconded):
        async with following(operators.gates.engine, 2, room, bundles):
            pytest.fail("it was served")
    await operators.heidi.second(n, text_of(SHUT).digest, why="it was in force", by="heidi")
    async with following(operators.gates.engine, 2, room, bundles):
        assert type(decided(room).decision).__name__ == "Deny"


async def test_a_shadow_needs_nobody_else(operators: Operators) -> None:
    await operators.grace.add("shadow", text_of(SHUT), why="x", by="grace")
    assert set(await operators.gates.newest()) == {"shadow"}


LARGEST = 2**63 - 1
BEGUN = "insert into gate.policy_activation (mode, rule_sets, why, made_by) values ('shadow', '{}', 'w', 'me')"
CHOSEN = "insert into gate.policy_activation (n, mode, rule_sets, why, made_by, login) overriding system value "
CHOSEN += f"values ({LARGEST}, 'shadow', '{{}}', 'w', 'me', 'x')"


async def test_nobody_chooses_the_number_of_an_activation(operators: Operators) -> None:
    first = await activated(operators.grace, SHUT)
    async with operators.grace.engine.begin() as connection:
        await connection.execute(text(CHOSEN))
    third = await activated(operators.heidi, OPEN)
    assert [each.n for each in await operators.gates.history(5)] == [third, first + 1, first]
    assert third == first + 2
    async with operators.heidi.engine.begin() as connection:
        with pytest.raises(DBAPIError):
            await connection.execute(text("select setval('gate.policy_activation_number', 9000)"))


async def test_the_largest_number_that_there_can_be_does_not_keep_gates_from_looking(operators: Operators) -> None:
    """Also where somebody has put the trigger aside."""
    async with operators.gates.engine.begin() as connection:
        await connection.execute(text("set local session_replication_role = replica"))
        await connection.execute(text(CHOSEN))
        seconding = f"insert into gate.policy_seconding (n, login, why, made_by) values ({LARGEST}, 'h', 'x', 'x')"
        await connection.execute(text(seconding))
    assert await operators.gates.latest() == LARGEST + 1


async def test_an_activation_does_not_wait_for_ever_for_one_that_was_begun_and_does_not_end(
    operators: Operators, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = await activated(operators.grace, SHUT)
    monkeypatch.setattr(activation_module, "LOCK_TIMEOUT", "100ms")
    with psycopg.connect(driver_dsn(database_url)) as other:
        other.execute(BEGUN)
        with anyio.fail_after(20), pytest.raises(ActivationBusy) as caught:
            await activated(operators.grace, OPEN)
        assert caught.value.code == "activation_busy"
        with anyio.fail_after(20), pytest.raises(ActivationBusy):
            await operators.heidi.second(n, text_of(SHUT).digest, why="read it", by="heidi")
    await operators.heidi.second(n, text_of(SHUT).digest, why="read it", by="heidi")


EXCESSES = [
    f"{right} on gate.{table}"
    for table in ("policy_activation", "policy_seconding")
    for right in ("insert", "insert (n, why)", "update", "update (login)", "delete", "truncate", "trigger")
]


async def test_a_gate_does_not_start_with_a_login_that_could_agree_to_a_policy(database_url: str) -> None:
    name = f"{url_of(database_url).database}_gate"
    url = url_of(database_url).set(username=name, password="x").render_as_string(hide_password=False)
    with psycopg.connect(driver_dsn(database_url), autocommit=True) as connection:
        connection.execute(f"create role {name} login password 'x' in role snowgate_gate, journal_writer".encode())
        async with open_engine(url) as gate:
            await refuse_excess(gate)
            for excess in EXCESSES:
                connection.execute(f"grant {excess} to {name}".encode())
                with pytest.raises(SettingsError):
                    await refuse_excess(gate)
                connection.execute(f"revoke {excess} from {name}".encode())
            await refuse_excess(gate)
        connection.execute(f"drop owned by {name}; drop role {name}".encode())
