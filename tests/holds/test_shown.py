"""What of a sample's rows is shown of a hold, to whom, through which client."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from audit.journal import open_journal
from audit.note import new_signer
from policy.catalog_document import from_document
from policy.document import load
from policy.effects import Sample
from policy.engine import Engine
from policy.names import TableName
from policy.principal import Principal, Subject
from policy.probes import Cell
from server.database import open_engine
from server.desk import HoldDesk
from server.hold_record import HoldRecord
from server.hold_telling import Telling
from server.judging import Judge
from server.undo_points import UndoPoints
from tests.holds.stores import ADA, ONE, asked, store

ENGINE = Engine(
    load(
        """
version: 1
roles: [{id: all, who: {anyone: true}, read_role: R, write_role: W, warehouse: WH}]
public: [D.S.T.ID]
classifications: [{name: secret, columns: [D.S.T.A]}]
masks: [{classification: secret, mask: {kind: redact}, unless: {actors: [agent, console]}}]
rules: [{id: reads, effect: permit, who: {anyone: true}, verbs: [read], tables: ["D.S.*"]}]
approvals: [{id: entry, by: approvers, steps: [{groups: [owners], quorum: 1}]}]
"""
    ),
    from_document({"D": {"S": {"T": {"ID": "NUMBER(38,0)", "A": "VARCHAR"}}}}),
)
[BY_OWNERS] = ENGINE.policy.approving.entries
CELLS = (
    Cell("ID", "before", frozenset({"ID"}), is_foreign=False),
    Cell("A", "before", frozenset({"A"}), is_foreign=False),
)


@pytest.fixture
async def desk(database_url: str) -> AsyncGenerator[HoldDesk]:
    async def as_it_is(hold: HoldRecord) -> HoldRecord:
        return hold

    async def nobody(*_: object) -> None:
        return None

    async with (
        open_engine(database_url) as engine,
        open_journal(engine, store(engine).sealer, new_signer("t")) as journal,
    ):
        yield HoldDesk(store(engine), journal, lambda: Judge(ENGINE), nobody, UndoPoints(engine), as_it_is, nobody)


async def opened(desk: HoldDesk) -> HoldRecord:
    effect = replace(asked().effect, sample=Sample(CELLS, ((7, "seen by agent"),)))
    known = ENGINE.catalog.digest_of(TableName("D", "S", "T"))
    return await desk.holds.open(
        ONE,
        replace(asked(), effect=effect, objects=(("D", "S", "T", known),)),
        BY_OWNERS,
        requester=ADA,
        call_id="call_1",
        tool="request_write",
        policy=ENGINE.provenance.policy,
        summary={},
        also=Telling(desk.journal, desk.tell).of("call_1", "hold.requested", {}, "requested", BY_OWNERS),
    )


@pytest.mark.parametrize(
    ("subject", "actor", "row"),
    [
        (ADA.subject, ADA.actor, [7, "seen by agent"]),
        (ADA.subject, "console", [7, "seen by agent"]),
        (ADA.subject, "another-agent", [7, None]),
        ("olga", "console", [7, "seen by agent"]),
        ("olga", "another-agent", [7, None]),
    ],
)
async def test_whoever_looks_sees_what_policy_shows_through_the_client_that_they_look_with(
    desk: HoldDesk, subject: str, actor: str, row: list[object]
) -> None:
    hold = await opened(desk)
    who = Principal(Subject(subject), actor, ADA.issuer, groups=frozenset({"owners"}))
    view = await desk.show(who, hold.id, via="mcp")
    assert view.content["effect"]["sample"]["rows"] == [row]
    assert ("seen by agent" in view.text) is (row[1] is not None)
