"""What one replica does with what is activated: whole policies alone decide, and what cannot be read stops it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
import anyio.lowlevel
import pytest

from policy.catalog import Catalog, Column, Table
from policy.circumstances import UNKNOWN
from policy.document import load
from policy.engine import Engine
from policy.names import TableName
from policy.principal import Principal, Subject
from server.activation import Activation, Activations, ActivationStore, Mode, PolicyText
from server.bundles import Bundles
from server.engine_room import EngineRoom
from server.facts import facts_of_judged
from server.judging import Judged
from server.pool import Kind
from server.refusals import CatalogUnavailable, PolicyUnavailable, StatementFailed
from tools.contract import Sql

ADA = Principal(Subject("ada"), "agent", "local", groups=frozenset({"a"}))
HEAD = "version: 1\ndefaults: {database: D, schema: S}\nlimits: {rows_max: 3, statement_timeout_s: 60}\n"
BODY = "roles: [{id: r, who: {groups: [a]}, read_role: R, warehouse: W}]\npublic: ['D.*.*.*']\n"
OPEN = HEAD + BODY + "rules: [{id: readers, effect: permit, who: {groups: [a]}, verbs: [read], tables: ['D.*.*']}]\n"
SHUT = HEAD + BODY + "rules: [{id: nobody, effect: forbid, who: {groups: [a]}, verbs: [read], tables: ['D.*.*']}]\n"
TAGGED = OPEN + "classifications: [{name: pii, tags: [D.S.PII]}]\n"


def text_of(document: str) -> PolicyText:
    return PolicyText(document, {}, load(document).digest)


@dataclass(frozen=True, slots=True)
class Kept(ActivationStore):
    """Activations that nobody had to write down."""

    made: list[Activation] = field(default_factory=list)

    def put(self, mode: Mode, text: PolicyText | None) -> None:
        self.made.append(Activation(len(self.made) + 1, mode, text, "a test", "me", datetime.now(UTC)))

    async def latest(self) -> int:
        return len(self.made)

    async def newest(self) -> dict[Mode, Activation]:
        return {each.mode: each for each in self.made}


@pytest.fixture
async def room() -> EngineRoom:
    kind = Kind("", "C", "R", "W", "")
    made = EngineRoom(load(OPEN), ("D",), None, kind, refresh_s=60, stale_s=60)  # type: ignore[arg-type]
    catalogs = iter(range(100))

    async def loaded() -> Catalog:
        names = [Column(f"C{n}", "VARCHAR") for n in range(next(catalogs) + 1)]
        return Catalog.of([Table(TableName("D", "S", "T"), tuple(names))])

    made._load = loaded  # type: ignore[method-assign]
    assert await made.refresh()
    return made


@pytest.fixture
def kept(room: EngineRoom) -> Kept:
    return Kept(None)  # type: ignore[arg-type]


def decided(room: EngineRoom) -> Judged:
    wanted = Sql("SELECT COUNT(*) AS n FROM d.s.t", (), reason="a test", is_write=False, rows_max=None)
    judge = room.judge()
    return judge.decide(ADA, wanted, judge.parse(wanted), UNKNOWN)


def effect(room: EngineRoom) -> str:
    return type(decided(room).decision).__name__


async def test_what_is_activated_decides_and_so_does_it_after_the_catalog_has_changed(
    room: EngineRoom, kept: Kept
) -> None:
    activations = Activations(kept, room, Bundles(None, None))  # type: ignore[arg-type]
    await activations.read()
    assert effect(room) == "Permit"
    kept.put("enforce", text_of(SHUT))
    await activations.read()
    assert effect(room) == "Deny"
    assert await room.refresh()
    assert effect(room) == "Deny"


def _held_up(room: EngineRoom) -> tuple[anyio.Event, anyio.Event]:
    """Let the next load of the catalog say that it has begun, and wait until it may go on."""
    load_catalog, reached, go_on = room._load, anyio.Event(), anyio.Event()

    async def slowly() -> Catalog:
        reached.set()
        await go_on.wait()
        return await load_catalog()

    room._load = slowly  # type: ignore[method-assign]
    return reached, go_on


async def test_a_refresh_that_began_under_the_old_policy_does_not_bring_it_back(room: EngineRoom) -> None:
    reached, go_on = _held_up(room)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(room.refresh)
            await reached.wait()
            await room.adopt(load(SHUT))
            go_on.set()
    assert effect(room) == "Deny"


@pytest.mark.parametrize(
    "text",
    [
        PolicyText("version: 99", {}, "0" * 64),
        PolicyText("]", {}, "0" * 64),
        PolicyText(OPEN, {}, text_of(SHUT).digest),
    ],
)
async def test_what_cannot_be_read_as_it_was_activated_stops_all_judging_until_something_else_is(
    text: PolicyText, room: EngineRoom, kept: Kept
) -> None:
    activations = Activations(kept, room, Bundles(None, None))  # type: ignore[arg-type]
    kept.put("enforce", text)
    await activations.read()
    with pytest.raises(PolicyUnavailable):
        room.judge()
    assert await room.refresh()
    with pytest.raises(PolicyUnavailable):
        room.judge()
    kept.put("enforce", text_of(OPEN))
    await activations.read()
    assert effect(room) == "Permit"


async def test_a_catalog_read_without_tags_never_serves_a_policy_that_asks_for_them(room: EngineRoom) -> None:
    load_catalog, ready = room._load, room._ready
    reached, go_on = anyio.Event(), anyio.Event()
    loads: list[bool] = []
    served: list[bool] = []

    async def slowly() -> Catalog:
        loads.append(room._reads_tags)
        if len(loads) == 1:
            reached.set()
            await go_on.wait()
        return await load_catalog()

    def readied(catalog: Catalog) -> tuple[Engine, Engine | None]:
        served.append(loads[-1])
        return ready(catalog)

    room._load, room._ready = slowly, readied  # type: ignore[method-assign]
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(room.refresh)
            await reached.wait()
            tasks.start_soon(room.adopt, load(TAGGED))
            while not room.policy.classifications:
                await anyio.lowlevel.checkpoint()
            go_on.set()
    assert (loads, served) == ([False, True], [True])


async def test_a_policy_that_asks_for_tags_is_not_judged_by_with_a_catalog_that_has_none(room: EngineRoom) -> None:
    loads = 0
    load_catalog = room._load

    async def counted() -> Catalog:
        nonlocal loads
        loads += 1
        assert any(each.tags for each in room.policy.classifications)
        return await load_catalog()

    room._load = counted  # type: ignore[method-assign]
    await room.adopt(load(TAGGED))
    assert loads == 1


def _answering(room: EngineRoom) -> list[bool]:
    """Let the catalog have a tag where tags are read; gives back whether they were, each time."""
    loads: list[bool] = []

    async def loaded() -> Catalog:
        loads.append(room._reads_tags)
        tags = ("D.S.PII",) if room._reads_tags else ()
        return Catalog.of([Table(TableName("D", "S", "T"), (Column("C0", "VARCHAR", tags=tags),))])

    room._load = loaded  # type: ignore[method-assign]
    return loads


def masks_of_the_shadow(room: EngineRoom) -> str:
    wanted = Sql("SELECT c0 FROM d.s.t", (), reason="a test", is_write=False, rows_max=None)
    judge = room.judge()
    shadow = judge.decide(ADA, wanted, judge.parse(wanted), UNKNOWN).shadow
    assert shadow is not None
    return shadow.decision if isinstance(shadow.decision, str) else shadow.decision.action.sql  # type: ignore[union-attr]


async def test_a_shadow_that_asks_for_tags_says_that_it_waits_until_it_has_them(room: EngineRoom) -> None:
    loads = _answering(room)
    assert await room.refresh()
    reached, go_on = _held_up(room)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(room.shade, load(TAGGED))
            await reached.wait()
            assert masks_of_the_shadow(room) == "catalog_unavailable"
            judged = decided(room)
            assert type(judged.decision).__name__ == "Permit"
            told = facts_of_judged(judged)
            assert told["shadow_code"] == "catalog_unavailable"
            assert "shadow_differs" not in told
            go_on.set()
    assert "NULL" in masks_of_the_shadow(room)
    assert loads == [False, True]
    await room.adopt(load(TAGGED))  # the catalog has tags already
    assert loads == [False, True]
    assert type(decided(room).decision).__name__ == "Permit"


async def test_a_shadow_is_not_judged_by_without_tags_even_if_the_catalog_looks_the_same(room: EngineRoom) -> None:
    async def loaded() -> Catalog:
        if room._reads_tags:
            raise StatementFailed("no tags for this role")
        return Catalog.of([Table(TableName("D", "S", "T"), (Column("C0", "VARCHAR"),))])

    room._load = loaded  # type: ignore[method-assign]
    for _ in range(2):
        await room.shade(load(TAGGED))
        assert masks_of_the_shadow(room) == "catalog_unavailable"
        assert await room.refresh()  # what the shadow lacks does not make the policy in force old
        assert masks_of_the_shadow(room) == "catalog_unavailable"

    async def untagged() -> Catalog:
        return Catalog.of([Table(TableName("D", "S", "T"), (Column("C0", "VARCHAR"),))])

    room._load = untagged  # type: ignore[method-assign]
    assert await room.refresh()
    assert masks_of_the_shadow(room).startswith("SELECT")  # that there are no tags is known now
    _answering(room)
    assert await room.refresh()
    assert "NULL" in masks_of_the_shadow(room)


async def test_a_policy_in_force_that_asks_for_tags_is_never_served_without(room: EngineRoom) -> None:
    async def loaded() -> Catalog:
        raise StatementFailed("no tags for this role")

    room._load = loaded  # type: ignore[method-assign]
    await room.adopt(load(TAGGED))
    assert not await room.refresh()
    with pytest.raises(CatalogUnavailable):
        room.judge()


async def test_a_shadow_says_what_it_would_decide_and_nothing_that_it_does_changes_the_decision(
    room: EngineRoom, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    activations = Activations(kept, room, Bundles(None, None))  # type: ignore[arg-type]
    kept.put("shadow", text_of(SHUT))
    await activations.read()
    judged = decided(room)
    assert type(judged.decision).__name__ == "Permit"
    assert judged.shadow is not None
    assert type(judged.shadow.decision).__name__ == "Deny"
    assert await room.refresh()
    assert decided(room).shadow is not None  # with the catalog that it is judged against

    def burst(*_: object, **__: object) -> None:
        raise RuntimeError("a shadow burst")

    assert room._shadow_engine is not None
    monkeypatch.setattr(room._shadow_engine, "decide", burst)
    judged = decided(room)
    assert type(judged.decision).__name__ == "Permit"
    assert judged.shadow is not None
    assert judged.shadow.decision == "internal"
    kept.put("enforce", text_of(OPEN))  # what is activated later ends the shadow
    await activations.read()
    assert decided(room).shadow is None
