"""A small OpenID provider for the sandbox: it publishes its keys and gives the demo agent tokens for people.

`POST /token` with `grant_type=client_credentials`, the agent's id and secret (in the body or as HTTP Basic), and
`persona=ada` (or another person of `people`) answers with an access token as an authorization server would give it to
an agent that a person has let act for her. `/authorize` (see `server.sandbox.signing_in`) signs people in to the web
console. There is no password anywhere: it is for one machine.

Runs as a process of its own: `python -P -m server.sandbox.issuer --state DIR`. Sources: RFC 6749 section 4.4, RFC 8414,
RFC 8707, RFC 9068, RFC 8693 section 4.1 (`act`), OpenID Connect Discovery 1.0.
"""

import argparse
import base64
import binascii
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from server.sandbox.people import AGENT, CONSOLE, PEOPLE, SCOPES
from server.sandbox.signing_in import SigningIn
from server.sandbox.state import LOOPBACK, SandboxError, SandboxState, load_state

TOKEN_TTL_S = 3_600
NO_STORE = {"Cache-Control": "no-store"}


def signing_key(state: SandboxState) -> ECKey:
    """Return the issuer's private key, named by its thumbprint (RFC 7638)."""
    return _named(ECKey.import_key(state.issuer_key_file.read_bytes()))


def mint(
    state: SandboxState,
    person: str,
    *,
    audience: str | None = None,
    scopes: Sequence[str] = SCOPES,
    ttl_s: int = TOKEN_TTL_S,
    now: float | None = None,
    agent: str = AGENT,
    key: ECKey | None = None,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """Return an access token (RFC 9068) with which `agent` acts for `person`.

    The defaults make a good one. For bad ones: a past `now` (seconds since 1970) or a negative `ttl_s` expires it,
    another `audience` or `key` makes it somebody else's, and `extra` adds claims or replaces them.

    Raises SandboxError `sandbox_person_unknown`.
    """
    if person not in PEOPLE:
        raise SandboxError(
            "sandbox_person_unknown", f"there is nobody called `{person}`", f"try one of {', '.join(PEOPLE)}"
        )
    issued_at = int(time.time() if now is None else now)
    claims = {
        "iss": state.issuer_url,
        "aud": audience or state.resource_url,
        "sub": person,
        "client_id": agent,
        "act": {"sub": agent},
        "scope": " ".join(scopes),
        "groups": list(PEOPLE[person].groups),
        "name": PEOPLE[person].full_name,
        "iat": issued_at,
        "exp": issued_at + ttl_s,
        "jti": secrets.token_urlsafe(16),
        **(extra or {}),
    }
    signer = _named(key) if key else signing_key(state)
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": signer.kid}, claims, signer)


class TokenError(Exception):
    """A refusal of the token endpoint: an error code of RFC 6749 section 5.2 or RFC 8707, and its HTTP status."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


class Issuer:
    """The provider's endpoints, over one sandbox's keys."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._key = signing_key(state)
        self._secrets = {
            AGENT: state.secret(state.agent_secret_file),
            CONSOLE: state.secret(state.console_secret_file),
        }
        self._signing_in = SigningIn(state.issuer_url, f"{state.console_url}/signed-in")

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/jwks.json", self._jwks),
                Route("/token", self._token, methods=["POST"]),
                Route("/authorize", self._signing_in.ask, methods=["GET"]),
                Route("/authorize", self._signing_in.answer, methods=["POST"]),
            ]
        )

    async def _metadata(self, request: Request) -> JSONResponse:
        issuer = self._state.issuer_url
        return JSONResponse(
            {
                "issuer": issuer,
                "jwks_uri": f"{issuer}/jwks.json",
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "grant_types_supported": ["client_credentials", "authorization_code"],
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "scopes_supported": ["openid", *SCOPES],
            }
        )

    async def _jwks(self, request: Request) -> JSONResponse:
        public = self._key.as_dict(private=False)
        return JSONResponse({"keys": [{**public, "use": "sig", "alg": "ES256"}]})

    async def _token(self, request: Request) -> JSONResponse:
        try:
            async with request.form(max_files=0, max_fields=20) as sent:
                form = {name: value for name, value in sent.items() if isinstance(value, str)}
            return JSONResponse(self._issue(form, request.headers.get("authorization", "")), headers=NO_STORE)
        except TokenError as refused:
            body = {"error": refused.error, "error_description": refused.description}
            return JSONResponse(body, refused.status, headers=NO_STORE)

    def _issue(self, form: Mapping[str, str], authorization: str) -> dict[str, Any]:
        client = self._client(form, authorization)
        match client, form.get("grant_type"):
            case (agent, "client_credentials") if agent == AGENT:
                return self._issue_access_token(form)
            case (console, "authorization_code") if console == CONSOLE:
                return self._issue_id_token(form)
            case _:
                raise TokenError("unsupported_grant_type", "agents use client_credentials, the console its codes")

    def _issue_id_token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """What a code stands for (OpenID Connect Core 3.1.3.3); the access token with it is good for nothing."""
        signed_in = self._signing_in.redeem(form)
        if signed_in is None:
            raise TokenError("invalid_grant", "the code is unknown, used, too old or another client's")
        now, person = int(time.time()), PEOPLE[signed_in.person]
        claims = {
            "iss": self._state.issuer_url,
            "aud": CONSOLE,
            "sub": person.name,
            "nonce": signed_in.nonce,
            "groups": list(person.groups),
            "name": person.full_name,
            "sid": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 300,
        }
        token = jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims, self._key)
        return {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 1, "id_token": token}

    def _issue_access_token(self, form: Mapping[str, str]) -> dict[str, Any]:
        person = form.get("persona", "")
        if person not in PEOPLE:
            raise TokenError("invalid_request", f"persona must be one of {', '.join(PEOPLE)}")
        if form.get("resource", self._state.resource_url) != self._state.resource_url:
            raise TokenError("invalid_target", f"the only resource is {self._state.resource_url}")
        scopes = form.get("scope", " ".join(SCOPES)).split()
        if not set(scopes) <= set(SCOPES):
            raise TokenError("invalid_scope", f"scopes are {' '.join(SCOPES)}")
        token = mint(self._state, person, scopes=scopes)
        return {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_TTL_S, "scope": " ".join(scopes)}

    def _client(self, form: Mapping[str, str], authorization: str) -> str:
        client, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        is_right = secrets.compare_digest(secret.encode(), self._secrets.get(client, "").encode())
        if client not in self._secrets or not is_right:
            raise TokenError("invalid_client", "the client is unknown or its secret is wrong", 401)
        return client


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise TokenError("invalid_client", "the Authorization header is malformed", 401) from None
    return client, secret


def _named(key: ECKey) -> ECKey:
    return ECKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint()})


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    state = load_state(parser.parse_args().state)
    app = Issuer(state).app()
    uvicorn.run(app, host=LOOPBACK, port=state.ports.issuer, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
