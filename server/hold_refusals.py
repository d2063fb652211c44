"""Every way in which a hold turns a call away."""

from typing import ClassVar

from server.hold_record import HoldRecord
from server.refusals import Held, Refusal


class Waiting(Held):
    """Approvers have not decided on the caller's own request, or it is running: somebody can follow it."""

    def __init__(self, message: str, hint: str, hold: HoldRecord) -> None:
        super().__init__(message, hint, hold_id=hold.id)
        self.hold = hold


class HoldNotFound(Refusal):
    """There is no such hold for this caller: missing and somebody else's are answered alike."""

    code: ClassVar[str] = "hold_not_found"
    hint = "Use the hold id that request_write gave you, or list_holds if you approve."


class OwnRequest(Refusal):
    """Nobody decides on what was asked for in their own name."""

    code: ClassVar[str] = "own_request"
    hint = "Somebody else has to decide, whichever client or role you use."


class NotApprover(Refusal):
    """The caller is in none of the groups that decide on this hold."""

    code: ClassVar[str] = "not_approver"
    hint = "Nothing has changed. The policy says who decides; your access token names your groups."


class AlreadyDecided(Refusal):
    """One person, one word on a hold; the first one has been counted."""

    code: ClassVar[str] = "already_decided"
    hint = "A first decision stands. The requester can withdraw the request and ask anew."


class HoldStale(Refusal):
    """Policy or an object has changed since the hold was opened."""

    code: ClassVar[str] = "hold_stale"
    hint = "Nothing has run. Make the request again: its effect has to be measured and approved anew."


class Denied(Refusal):
    """An approver said no."""

    code: ClassVar[str] = "denied"
    hint = "Nothing has run. Tell the user why it was denied; do not ask again for the same."


class NothingToUndo(Refusal):
    """The change is known, and no single command takes it back."""

    code: ClassVar[str] = "nothing_to_undo"
    hint = "Nothing has run. Tell the user that a person has to take it back by hand, in Snowflake."


class EffectDrifted(Refusal):
    """The statement touched other numbers of rows than were approved, and was rolled back."""

    code: ClassVar[str] = "effect_drifted"
    hint = "Nothing has changed. The data is not as it was when the write was approved: make the request again."
