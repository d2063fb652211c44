"""What is said of a task when its call is turned away: that it has ended, that it goes on, or nothing at all."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mcp import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS

from audit.unavailable import JournalUnavailable
from policy.principal import Principal, Subject
from policy.refusal import PolicyCode, PolicyRefusal
from server.hold_record import HoldId, HoldRecord, Requester, State
from server.hold_refusals import Denied, EffectDrifted, HoldNotFound, HoldStale
from server.line import Call, CallId, House
from server.refusals import Busy, Held, HoldSpent, HoldsUnavailable, Internal, OutcomeUnknown, Revoked, Unauthenticated
from server.rendering import TurnedAway
from server.tasks import TaskParams, Tasks
from tests.line.played import PlayedHouse
from tools.contract import Holds, JsonObject, Wanted

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
WHO = Principal(Subject("stella"), "agent", "iss")
HOLD = HoldRecord(
    id=HoldId("hold_1"),
    call_id="call_0",
    tool="request_write",
    requester=Requester("iss", "stella", "agent"),
    state=State.APPROVED,
    bound=b"",
    policy="",
    entry="",
    summary={},
    asked=None,
    opened_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    is_escalated=False,
    claim=None,
    session_id=None,
    settled_at=None,
    outcome={},
)
POLICY = PolicyRefusal(PolicyCode.NOT_PERMITTED, "not now", "ask later")


@dataclass
class PlayedDoor:
    """Plays a doorway whose line turns the call away with `refusal`, before or after it has proven whose task it is."""

    house: House
    refusal: TurnedAway | None
    is_proven: bool
    answer: JsonObject = field(default_factory=dict)
    answer_form: Any = "structured"

    def call(self, *_: object, **__: object) -> Call:
        return cast("Call", SimpleNamespace(id=CallId("call_1")))

    async def carry(self, call: Call, house: House) -> JsonObject:
        if self.is_proven:
            await house.recall(WHO, Holds("check", HOLD.id))
        if self.refusal is not None:
            raise self.refusal
        return self.answer


async def _as_it_is(principal: Principal, wanted: Wanted) -> Wanted:
    return wanted


async def said(played: PlayedHouse, refusal: TurnedAway, state: State, *, is_proven: bool = True) -> Any:
    """What `tasks/get` answers of a hold that is in `state` by then."""

    async def own(who: Principal, hold_id: str) -> HoldRecord:
        assert (who.subject, who.actor, who.issuer) == ("stella", "agent", "iss")
        return replace(HOLD, state=state)

    door = PlayedDoor(replace(played.house, recall=_as_it_is), refusal, is_proven)
    return await Tasks(cast("Any", door), own).get(cast("Any", None), TaskParams(task_id=HOLD.id))


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (
            {"status": "open", "approval": {"needs": "1 of stewards"}},
            "working",
            "people must decide first: 1 of stewards",
        ),
        ({"status": "open"}, "working", "the policy that held this is not in force any more: nobody can decide on it"),
        ({"status": "executing"}, "working", "the approved statement is running"),
        ({"status": "failed"}, "completed", "the request is failed"),
        ({"status": "executed", "rows_affected": 1}, "completed", "the request is executed"),
    ],
)
async def test_a_task_goes_on_while_its_hold_is_alive(
    played: PlayedHouse, answer: JsonObject, status: str, message: str
) -> None:
    async def own(who: Principal, hold_id: str) -> HoldRecord:
        return HOLD

    door = PlayedDoor(replace(played.house, recall=_as_it_is), None, is_proven=True, answer=answer)
    task = await Tasks(cast("Any", door), own).get(cast("Any", None), TaskParams(task_id=HOLD.id))
    assert (task.status, task.status_message) == (status, message)
    assert (task.result is not None) == (status == "completed")


async def test_a_hold_that_cannot_be_looked_at_again_leaves_its_task_unsaid(played: PlayedHouse) -> None:
    looks = 0

    async def own(who: Principal, hold_id: str) -> HoldRecord:
        nonlocal looks
        looks += 1
        if looks > 1:
            raise HoldsUnavailable("no database")
        return HOLD

    door = PlayedDoor(replace(played.house, recall=_as_it_is), Busy("no session"), is_proven=True)
    with pytest.raises(MCPError) as told:
        await Tasks(cast("Any", door), own).get(cast("Any", None), TaskParams(task_id=HOLD.id))
    assert told.value.error.data["code"] == "holds_unavailable"


@pytest.mark.parametrize(
    ("refusal", "state", "status"),
    [
        (HoldSpent("withdrawn"), State.WITHDRAWN, "cancelled"),
        (HoldSpent("expired"), State.EXPIRED, "completed"),
        (Denied("no"), State.DENIED, "completed"),
        (HoldStale("changed"), State.STALE, "completed"),
        (EffectDrifted("other rows"), State.FAILED, "completed"),
        (Held("it is running"), State.EXECUTING, "working"),
        (Held("it was running"), State.EXECUTED, "working"),
        (Held("it was running"), State.FAILED, "working"),
        (HoldSpent("another was first"), State.EXECUTED, "working"),
        (HoldSpent("another was first"), State.FAILED, "working"),
        (OutcomeUnknown("lost"), State.EXECUTING, "working"),
        (Busy("no session"), State.APPROVED, "working"),
        (POLICY, State.APPROVED, "working"),
    ],
)
async def test_a_task_has_ended_where_its_hold_has_and_this_call_was_told_so(
    played: PlayedHouse, refusal: TurnedAway, state: State, status: str
) -> None:
    task = await said(played, refusal, state)
    assert task.status == status
    assert (task.result is not None) == (status == "completed")
    if task.result is not None:
        assert task.result["structuredContent"]["code"] == refusal.code
        assert task.result["isError"] is True


@pytest.mark.parametrize("state", [State.APPROVED, State.EXECUTED, State.FAILED])
@pytest.mark.parametrize("refusal", [JournalUnavailable(), Internal("a crash"), Revoked("stop")])
async def test_nothing_is_said_of_a_task_where_the_journal_does_not_know_or_the_caller_is_turned_away(
    played: PlayedHouse, refusal: TurnedAway, state: State
) -> None:
    with pytest.raises(MCPError) as told:
        await said(played, refusal, state)
    assert told.value.error.code == INTERNAL_ERROR
    assert told.value.error.data["code"] == refusal.code


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (HoldNotFound("there is no such hold for you"), INVALID_PARAMS),
        (Unauthenticated("nobody"), INTERNAL_ERROR),
        (HoldsUnavailable("no database"), INTERNAL_ERROR),
        (Busy("too many"), INTERNAL_ERROR),
    ],
)
async def test_nothing_is_said_of_a_task_to_who_has_not_proven_that_it_is_theirs(
    played: PlayedHouse, refusal: TurnedAway, code: int
) -> None:
    with pytest.raises(MCPError) as told:
        await said(played, refusal, State.EXECUTED, is_proven=False)
    assert told.value.error.code == code
