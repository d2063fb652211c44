"""Every way in which the console turns a browser away, and the HTTP status that goes with each refusal."""

from typing import ClassVar

from server.refusals import Refusal


class ConsoleSignedOut(Refusal):
    """Nobody is signed in, or the session is over."""

    code: ClassVar[str] = "console_signed_out"
    hint = "Nothing has changed. Sign in and look at the request again."


class ConsoleSignInFailed(Refusal):
    """The way to the issuer and back did not prove who this is."""

    code: ClassVar[str] = "console_sign_in_failed"
    hint = "Start again from the console's first page, in the same browser window."


class ConsoleForged(Refusal):
    """A form that this session's own page did not send."""

    code: ClassVar[str] = "console_forged"
    hint = "Nothing has changed. If you sent it yourself, open the page again: you have signed in anew since."


class ConsoleProofOld(Refusal):
    """Too long ago that the issuer said who this is and in which groups."""

    code: ClassVar[str] = "console_proof_old"
    hint = "Nothing has changed. Open the request again: your sign-in is renewed on the way."


class ConsoleReasonMissing(Refusal):
    """A decision without a reason that can be read later."""

    code: ClassVar[str] = "console_reason_missing"
    hint = "Nothing has changed. Write between 3 and 1,000 characters."


class ConsoleBadForm(Refusal):
    """A form that is too large, not encoded as forms are, or not one of ours."""

    code: ClassVar[str] = "console_bad_form"
    hint = "Nothing has changed. Open the page again."


class ConsoleNoPage(Refusal):
    """There is no such page."""

    code: ClassVar[str] = "console_no_page"
    hint = "The inbox and your own requests are linked above."


_STATUS = {
    "console_signed_out": 401,
    "unauthenticated": 401,
    "console_forged": 403,
    "console_proof_old": 403,
    "own_request": 403,
    "not_approver": 403,
    "revoked": 403,
    "hold_not_found": 404,
    "console_no_page": 404,
    "hold_spent": 409,
    "hold_stale": 409,
    "already_decided": 409,
    "internal_error": 500,
}


def status_of(code: str, *, is_retryable: bool) -> int:
    """The HTTP status of a refusal (RFC 9110 section 15): 503 for what may work later, 400 for what has no other."""
    return _STATUS.get(code, 503 if is_retryable else 400)
