"""Tools for held requests: a requester follows and withdraws their own, approvers list, read and decide."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from tools.arguments import Arguments, checked
from tools.contract import Holds, JsonObject, Masked, MaskedHolds, MaskedRows, Wanted
from tools.request_write import RequestWrite
from tools.run_query import Reason, RunQuery

HoldId = Annotated[str, Field(pattern=r"^hold_[A-Za-z0-9_-]{1,40}$")]
CallId = Annotated[str, Field(pattern=r"^call_[A-Za-z0-9_-]{1,40}$")]


class HoldArguments(Arguments):
    """A hold."""

    hold_id: HoldId


class WithdrawArguments(HoldArguments):
    """A hold, and why it is not wanted any more."""

    reason: Reason


class DecideArguments(HoldArguments):
    """A hold, the decision, and why."""

    decision: Literal["approve", "deny"]
    reason: Reason
    break_glass: bool = False


class ListArguments(Arguments):
    """Where to go on."""

    cursor: HoldId | None = None


class CheckRequest:
    """Follows one's own held request; runs it once it is approved."""

    name = "check_request"

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """The request that is followed."""
        return Holds("check", checked(HoldArguments, arguments).hold_id)

    def answer(self, masked: Masked) -> JsonObject:
        """Where it is, or what it did."""
        match masked:
            case MaskedRows(rows_affected=None):
                return {"status": "executed", **RunQuery().answer(masked)}
            case MaskedRows():
                return RequestWrite().answer(masked)
            case _:
                return _content(masked)


class WithdrawRequest:
    """Takes one's own held request back."""

    name = "withdraw_request"

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """The request that is taken back."""
        given = checked(WithdrawArguments, arguments)
        return Holds("withdraw", given.hold_id, reason=given.reason)

    def answer(self, masked: Masked) -> JsonObject:
        """That it is withdrawn."""
        return _content(masked)


class UndoArguments(Arguments):
    """The call that made a change, and why it is to be undone."""

    call_id: CallId
    reason: Reason


class RequestUndo:
    """Asks for the statement that takes an executed request back: another write, held as any."""

    name = "request_undo"

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """The change that is to be undone."""
        given = checked(UndoArguments, arguments)
        return Holds("undo", reason=given.reason, call_id=given.call_id)

    def answer(self, masked: Masked) -> JsonObject:
        """What the undoing did."""
        return RequestWrite().answer(masked)


class ListHolds:
    """What waits for this approver."""

    name = "list_holds"

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """A page of it."""
        return Holds("list", cursor=checked(ListArguments, arguments).cursor)

    def answer(self, masked: Masked) -> JsonObject:
        """Holds, briefly, and the cursor of the next page."""
        return _content(masked)


class ShowHold:
    """One hold with its effect."""

    name = "show_hold"

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """The hold to show."""
        return Holds("show", checked(HoldArguments, arguments).hold_id)

    def answer(self, masked: Masked) -> JsonObject:
        """What is asked, its effect, who said what."""
        return _content(masked)


class DecideHold:
    """An approver's decision, which their client has them confirm."""

    name = "decide_hold"

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """The decision."""
        given = checked(DecideArguments, arguments)
        return Holds("decide", given.hold_id, given.decision, given.reason, given.break_glass)

    def answer(self, masked: Masked) -> JsonObject:
        """What the votes come to now."""
        return _content(masked)


def _content(masked: Masked) -> JsonObject:
    assert isinstance(masked, MaskedHolds)  # noqa: S101 - a Holds is only ever answered by one
    return dict(masked.content)
