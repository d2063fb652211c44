"""Every way the server turns a call away: a stable code, what happened, what to do next.

Policy and tools have their own refusals (`PolicyRefusal`, `BadArguments`); all share the attributes `code`, `message`,
`hint` and `retryable`, which is what an agent is shown. `facts` are for the journal alone.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from server.faults import Fault


class Refusal(Exception):
    """A call turned away on purpose. The message is one lower-case clause; the hint speaks to a model."""

    code: ClassVar[str]
    hint: str = "Do not repeat the same call."
    retryable: ClassVar[bool] = False
    shown: Mapping[str, Any] = MappingProxyType({})
    """What is shown beside the shape that all refusals have."""

    def __init__(self, message: str, hint: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.hint
        self.facts: Mapping[str, Any] = facts


class Unauthenticated(Refusal):
    """Nobody has been proven to ask."""

    code: ClassVar[str] = "unauthenticated"
    hint = "Sign in again: the access token is missing, expired or meant for another server."

    def __init__(self, message: str, fault: Fault = Fault.MISSING, hint: str | None = None) -> None:
        super().__init__(message, hint, fault=fault.value)
        self.fault = fault


class OutOfScope(Refusal):
    """The token's OAuth scopes do not cover the tool."""

    code: ClassVar[str] = "out_of_scope"
    hint = "Ask for an access token that carries the missing scope."


class Revoked(Refusal):
    """An operator has turned this caller away: the person, one sign-in of theirs, or everybody."""

    code: ClassVar[str] = "revoked"
    hint = "Stop. An operator has ended this access; only an operator can give it back."


class RevocationsUnavailable(Refusal):
    """The database that keeps revocations does not answer, so nobody can be let in."""

    code: ClassVar[str] = "revocations_unavailable"
    hint = "Nothing has run. Try again later; an operator should look at `snowgate doctor`."
    retryable: ClassVar[bool] = True


class ClockApart(Refusal):
    """The gate's clock is too far off the database's to say whose token is still good."""

    code: ClassVar[str] = "clock_apart"
    hint = "Nothing has run. Try again; an operator should set the gate's clock, or its database's, right."
    retryable: ClassVar[bool] = True


class LimitReached(Refusal):
    """The caller, or those whom they share a limit with, have used it up for now."""

    code: ClassVar[str] = "limit_reached"
    hint = "Wait before you ask again."
    retryable: ClassVar[bool] = True


class BudgetSpent(Refusal):
    """A budget of the policy has not as many answers left today as the statement would draw."""

    code: ClassVar[str] = "budget_spent"
    hint = "Nothing has run. Use the answers that you have, or ask for other data."
    retryable: ClassVar[bool] = True


class LimitsUnavailable(Refusal):
    """The database that counts what is used of limits does not answer."""

    code: ClassVar[str] = "limits_unavailable"
    hint = "Nothing has run. Try again later; an operator should look at `snowgate doctor`."
    retryable: ClassVar[bool] = True


class HistoryUnavailable(Refusal):
    """A rule asks what the session has done so far, and the database that remembers it does not answer."""

    code: ClassVar[str] = "history_unavailable"
    hint = "Nothing has run. Try again, one statement at a time; an operator should look at `snowgate doctor`."
    retryable: ClassVar[bool] = True


class UnknownTool(Refusal):
    """No tool of that name is offered to this caller."""

    code: ClassVar[str] = "unknown_tool"
    hint = "Call one of the tools that tools/list names."


class Held(Refusal):
    """People have to decide first, and have not been asked or have not answered yet."""

    code: ClassVar[str] = "held"
    hint = (
        "Nothing has run. A person must confirm this statement: connect with a client that can show an elicitation "
        "form, then make exactly the same call again or follow it with check_request."
    )
    retryable: ClassVar[bool] = True

    def told(self, **shown: Any) -> "Held":
        """Itself, with what the caller needs to follow the hold: its id, who decides, until when."""
        self.shown = MappingProxyType({**self.shown, **shown})
        return self


class Declined(Refusal):
    """The person who was asked said no, or closed the question."""

    code: ClassVar[str] = "declined"
    hint = "Nothing has run. Ask the user what they want instead; do not repeat the call unasked."


class HoldSpent(Refusal):
    """The hold behind an answer was used, has expired or was for something else."""

    code: ClassVar[str] = "hold_spent"
    hint = "Nothing has run. Make the call again to be asked anew."
    retryable: ClassVar[bool] = True


class HoldsUnavailable(Refusal):
    """The database that keeps holds does not answer, so nothing that needs a person can go on."""

    code: ClassVar[str] = "holds_unavailable"
    hint = "Nothing has run. Try again later; an operator should look at `snowgate doctor`."
    retryable: ClassVar[bool] = True


class CatalogUnavailable(Refusal):
    """There is no catalog snapshot fresh enough to judge against."""

    code: ClassVar[str] = "catalog_unavailable"
    hint = "Try again in a minute; an operator should look at `snowgate doctor`."
    retryable: ClassVar[bool] = True


class PolicyUnavailable(Refusal):
    """A policy was activated for all replicas that this one cannot read."""

    code: ClassVar[str] = "policy_unavailable"
    hint = "Try again; an operator should bring this replica to the version that the policy was written for."
    retryable: ClassVar[bool] = True


class NotSeconded(Refusal):
    """Two people have to agree to a policy, and this is no second one, or not for this policy."""

    code: ClassVar[str] = "not_seconded"
    hint = "Somebody else has to second it, with a login of their own in SNOWGATE_ADMIN_DATABASE_URL."


class ActivationBusy(Refusal):
    """Another activation has begun, does not end, and keeps others from being added."""

    code: ClassVar[str] = "activation_busy"
    hint = "Try again; if it stays so, `pg_locks` and `pg_stat_activity` say whose session has begun one."
    retryable: ClassVar[bool] = True


class Busy(Refusal):
    """All of this caller's or the gate's Snowflake sessions are in use."""

    code: ClassVar[str] = "busy"
    hint = "Wait for earlier calls to finish, then try again."
    retryable: ClassVar[bool] = True


class SnowflakeUnavailable(Refusal):
    """Snowflake could not be reached, or took no session for this caller."""

    code: ClassVar[str] = "snowflake_unavailable"
    hint = "Try again later; an operator should look at `snowgate doctor`."
    retryable: ClassVar[bool] = True


class StatementTimedOut(Refusal):
    """The statement ran into its time limit and was stopped in Snowflake."""

    code: ClassVar[str] = "statement_timed_out"
    hint = "Ask for less: fewer rows, a narrower filter or a smaller join."


class StatementFailed(Refusal):
    """Snowflake accepted the session and refused or failed the statement. Its own text stays in the journal."""

    code: ClassVar[str] = "statement_failed"
    hint = "Check types and values in the statement: a conversion, a division or an aggregate may have failed."


class ObjectExists(Refusal):
    """What a statement would make is there already, where its caller can see it."""

    code: ClassVar[str] = "object_exists"
    hint = "Nothing has run and nobody was asked. Choose another name, or look at what is there with describe_schema."


class OutcomeUnknown(Refusal):
    """A write was sent to Snowflake, and the answer to its COMMIT was lost."""

    code: ClassVar[str] = "outcome_unknown"
    hint = "The change may have been made. Read the rows that it is about before you ask for it again."


class Internal(Refusal):
    """A fault of ours; the call id leads an operator to it."""

    code: ClassVar[str] = "internal_error"
    hint = "Tell an operator the call id; repeating the call is unlikely to help."
