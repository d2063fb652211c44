"""The HTTP door's keeper: a request comes in with a proven caller, or goes away with a complete challenge.

Every path asks for a token but those that are named open. Sources: RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728
section 5.1, and the MCP specification's authorization pages for the scope step-up.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthCredentials
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit.journal import Journal
from audit.unavailable import JournalUnavailable
from server.dpop import Possession
from server.faults import Fault
from server.identity import TOKEN_LENGTH_MAX, Proof, Verifier
from server.line import Bearer
from server.refusals import OutOfScope, Refusal, Unauthenticated
from server.turns import Turns

PEEKED_BYTES_MAX = 4 * 2**20
"""As much of a body as the MCP SDK takes; a longer one is left to it to refuse."""

TOOL_NAME_LENGTH_MAX = 64

APPROVERS_SCOPE = "snowgate:approve"
"""Asked for on purpose, by a person's own client: an agent that has just arrived is not told to ask for it."""


class ProvenToken(AccessToken):
    """An access token as the SDK carries it, with the key that its sender has shown to hold."""

    thumbprint: str | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a caller who may not come in is told to do. Each tool needs one of its `scopes`, which are unprefixed."""

    metadata_url: str
    scopes: Mapping[str, tuple[str, ...]]
    scope_prefix: str = ""
    """How the issuer that strangers are sent to begins the names of our scopes."""

    def unauthenticated(self, refusal: Unauthenticated, *, was_sent: bool) -> JSONResponse:
        """401, or 400 for a request that is not one; without `error` where no token was sent (RFC 6750 section 3.1)."""
        agents = dict.fromkeys(scopes[0] for scopes in self.scopes.values() if scopes[0] != APPROVERS_SCOPE)
        wanted = " ".join(self.scope_prefix + scope for scope in agents)
        told: dict[str, str] = {}
        status, scheme = 401, "Bearer"
        match refusal.fault:
            case _ if not was_sent:
                pass
            case Fault.REQUEST:
                status, told = 400, {"error": "invalid_request", "error_description": refusal.message}
            case Fault.PROOF | Fault.REPLAYED:
                scheme, told = "DPoP", {"error": "invalid_dpop_proof", "error_description": refusal.message}
            case _:
                told = {"error": "invalid_token", "error_description": refusal.message}
        return self._response(status, scheme, {**told, "scope": wanted})

    def out_of_scope(self, scope: str, prefix: str) -> JSONResponse:
        """403 with the scope to ask for (RFC 6750 section 3.1)."""
        told = {"error": "insufficient_scope", "error_description": "the tool needs another scope"}
        return self._response(403, "Bearer", {**told, "scope": prefix + scope})

    def _response(self, status: int, scheme: str, told: Mapping[str, str]) -> JSONResponse:
        parameters = {**told, "resource_metadata": self.metadata_url}
        value = f"{scheme} " + ", ".join(f'{name}="{text}"' for name, text in parameters.items())
        body = {name: text for name, text in told.items() if name.startswith("error")} or {"error": "unauthorized"}
        return JSONResponse(body, status, {"www-authenticate": value, "cache-control": "no-store"})


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """Lets proven callers in, journals those who are not, and sends those whose scopes do not reach to ask for more."""

    app: ASGIApp
    verifier: Verifier
    journal: Journal
    possession: Possession
    challenge: Challenge
    open_paths: frozenset[str]
    turns: Turns = field(default_factory=Turns)
    open_below: str | None = None
    """A path below which everybody may ask, for those who answer there prove people in a way of their own."""
    _inner: ASGIApp = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_inner", AuthContextMiddleware(self.app))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Prove who asks, then pass the request on."""
        if scope["type"] != "http" or scope["path"] in self.open_paths or self._is_below(scope["path"]):
            await self.app(scope, receive, send)
            return
        await self.turns.take()
        try:
            await self._keep(scope, receive, send)
        except JournalUnavailable as refusal:  # the last line of defence: what cannot be journaled is refused
            await PlainTextResponse(f"{refusal.code}: {refusal.message}", status_code=503)(scope, receive, send)

    def _is_below(self, path: str) -> bool:
        return self.open_below is not None and path.startswith(self.open_below + "/")

    async def _keep(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        try:
            proof = await self._proof(headers, scope["method"])
        except Unauthenticated as refusal:
            await self._journal(refusal)
            was_sent = "authorization" in headers
            await self.challenge.unauthenticated(refusal, was_sent=was_sent)(scope, receive, send)
            return
        user = AuthenticatedUser(self._token(headers, proof))
        scope["user"], scope["auth"] = user, AuthCredentials(user.scopes)
        if scope["method"] != "POST":
            await self._inner(scope, receive, send)
            return
        taken, more = await _peek(receive)
        tool = _tool_called(b"".join(taken)) if not more else None
        needed = self.challenge.scopes.get(tool or "")
        if tool is not None and needed is not None and proof.principal.scopes.isdisjoint(needed):
            await self._journal(OutOfScope("the access token lacks the tool's scope", tool=tool), proof)
            await self.challenge.out_of_scope(needed[0], proof.scope_prefix)(scope, receive, send)
            return
        await self._inner(scope, _replaying(taken, more, receive), send)

    async def _proof(self, headers: Headers, method: str) -> Proof:
        """The proof of who sent a request with these headers.

        Raises:
            Unauthenticated: nobody is proven.
        """
        sent = headers.getlist("authorization")
        if not sent:
            raise Unauthenticated("there is no access token")
        if len(sent) > 1:  # whoever is in front of us may have believed the other one
            raise Unauthenticated("a request has one Authorization header", Fault.REQUEST)
        scheme, _, token = sent[0].partition(" ")
        if scheme.lower() not in ("bearer", "dpop") or not token:
            raise Unauthenticated("the Authorization header carries no access token", Fault.REQUEST)
        if scheme.lower() == "bearer":
            return await self.verifier.verify(Bearer(token))
        proofs = headers.getlist("dpop")
        if len(proofs) != 1:
            raise Unauthenticated("a request with a bound token has one DPoP header", Fault.PROOF)
        if len(token) > TOKEN_LENGTH_MAX:
            raise Unauthenticated("the access token is too long", Fault.TOO_LONG)
        return await self.verifier.verify(Bearer(token, await self.possession.verify(proofs[0], method, token)))

    def _token(self, headers: Headers, proof: Proof) -> ProvenToken:
        return ProvenToken(
            token=headers["authorization"].partition(" ")[2],
            client_id=proof.client_id,
            scopes=sorted(proof.principal.scopes),
            expires_at=proof.expires_at,
            resource=self.possession.resource,
            subject=proof.principal.subject,
            claims={"iss": proof.principal.issuer},
            thumbprint=proof.thumbprint,
        )

    async def _journal(self, refusal: Refusal, proof: Proof | None = None) -> None:
        """A call that is turned away here never reaches the line, so its entry is made here."""
        who = {"subject": proof.principal.subject, "issuer": proof.principal.issuer} if proof else {}
        facts = {"code": refusal.code, "transport": "http", **refusal.facts, **who}
        await self.journal.append("call_" + secrets.token_urlsafe(12), "refused", facts)


async def _peek(receive: Receive) -> tuple[list[bytes], bool]:
    """The body's first pieces, and whether there is more than we look at."""
    taken: list[bytes] = []
    more, length = True, 0
    while more and length <= PEEKED_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request":
            return taken, True
        taken.append(message.get("body", b""))
        length += len(taken[-1])
        more = message.get("more_body", False)
    return taken, more


def _replaying(taken: Sequence[bytes], more: bool, receive: Receive) -> Receive:
    """A `receive` that first tells what was taken; a disconnection still gets through."""
    pending = list(taken)

    async def replay() -> Message:
        if not pending:
            return await receive()
        piece = pending.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pending) or more}

    return replay


def _tool_called(body: bytes) -> str | None:
    """The tool that a body asks for, or that its request for a task amounts to (`server.tasks`).

    It decides how a caller is turned away, never whether: the line does that.
    """
    try:
        message = orjson.loads(body)
    except ValueError:
        return None
    match message:
        case {"method": "tools/call", "params": {"name": str(name)}}:
            return name[:TOOL_NAME_LENGTH_MAX]
        case {"method": "tasks/get" | "tasks/update"}:
            return "check_request"
        case {"method": "tasks/cancel"}:
            return "withdraw_request"
        case _:
            return None
