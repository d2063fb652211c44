"""A form as a browser of ours sends it: small, from our own page, each field once, with the session's token."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from server.console.refusals import ConsoleBadForm, ConsoleForged, ConsoleReasonMissing
from server.console.sessions import ConsoleSession

FORM_BYTES_MAX = 32_768
FIELDS_MAX = 20
REASON_LENGTH_MIN, REASON_LENGTH_MAX = 3, 1_000


async def read_form(request: Request, session: ConsoleSession, origin: str) -> Mapping[str, str]:
    """The fields of a form that `session`'s own page sent; `origin` is the console's.

    Raises:
        ConsoleBadForm: it is too large, or no form.
        ConsoleForged: another page sent it, or this one for another session.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise ConsoleBadForm("the form is not encoded as forms are")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES_MAX:
            raise ConsoleBadForm("the form is too large")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError:
        raise ConsoleBadForm("the form cannot be read") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise ConsoleBadForm("a field is there twice")
    is_ours = request.headers.get("origin", origin) == origin
    is_near = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    if not (is_ours and is_near and session.sent(form.get("csrf", ""))):
        raise ConsoleForged("this form is not from a page of your session")
    return form


def reason_of(form: Mapping[str, str]) -> str:
    """The reason that a form gives.

    Raises:
        ConsoleReasonMissing: there is none, or it is too long to be one.
    """
    reason = form.get("reason", "").replace("\r\n", "\n").strip()
    if not REASON_LENGTH_MIN <= len(reason) <= REASON_LENGTH_MAX:
        raise ConsoleReasonMissing("a reason is needed")
    return reason
