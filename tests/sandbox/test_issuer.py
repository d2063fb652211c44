"""The sandbox's issuer: its tokens are what it says they are, and it gives them to nobody else."""

import time
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from server.sandbox.issuer import mint
from server.sandbox.people import AGENT, PEOPLE
from server.sandbox.run import Sandbox
from server.sandbox.state import SandboxError

GOOD = {"grant_type": "client_credentials", "persona": "ada"}


def _metadata(sandbox: Sandbox) -> dict[str, Any]:
    found: dict[str, Any] = httpx2.get(f"{sandbox.state.issuer_url}/.well-known/openid-configuration").json()
    return found


def _keys(sandbox: Sandbox) -> KeySet:
    return KeySet.import_key_set(httpx2.get(_metadata(sandbox)["jwks_uri"]).json())


def _token(sandbox: Sandbox, secret: str | None = None, **form: str) -> httpx2.Response:
    known = sandbox.state.secret(sandbox.state.agent_secret_file)
    return httpx2.post(_metadata(sandbox)["token_endpoint"], data=form, auth=(AGENT, secret or known))


def test_both_kinds_of_metadata_name_the_issuer(sandbox: Sandbox) -> None:
    other = httpx2.get(f"{sandbox.state.issuer_url}/.well-known/oauth-authorization-server").json()
    assert _metadata(sandbox) == other
    assert other["issuer"] == sandbox.environment["SNOWGATE_ISSUER"]


def test_the_key_set_holds_no_private_key(sandbox: Sandbox) -> None:
    [key] = httpx2.get(_metadata(sandbox)["jwks_uri"]).json()["keys"]
    assert "d" not in key
    assert key["kid"]


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE.keys())
def test_a_token_from_the_endpoint_verifies_against_the_key_set(sandbox: Sandbox, person: Any) -> None:
    answer = _token(sandbox, **{**GOOD, "persona": person.name}).json()
    token = jwt.decode(answer["access_token"], _keys(sandbox), algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt"
    assert token.claims["iss"] == sandbox.state.issuer_url
    assert token.claims["aud"] == sandbox.environment["SNOWGATE_RESOURCE"]
    assert token.claims["sub"] == person.name
    assert token.claims["act"] == {"sub": AGENT}
    assert token.claims["client_id"] == AGENT
    assert token.claims["groups"] == list(person.groups)
    assert token.claims["scope"] == answer["scope"]
    assert time.time() < token.claims["exp"] <= time.time() + answer["expires_in"]


def test_fewer_scopes_are_given_when_fewer_are_asked_for(sandbox: Sandbox) -> None:
    assert _token(sandbox, **GOOD, scope="snowgate:read").json()["scope"] == "snowgate:read"


def test_no_two_tokens_have_the_same_id(sandbox: Sandbox) -> None:
    keys = _keys(sandbox)
    found = {jwt.decode(mint(sandbox.state, "ada"), keys, algorithms=["ES256"]).claims["jti"] for _ in range(3)}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("error", "form"),
    [
        ("invalid_request", {"grant_type": "client_credentials"}),
        ("invalid_request", {**GOOD, "persona": "mallory"}),
        ("invalid_scope", {**GOOD, "scope": "snowgate:admin"}),
        ("invalid_target", {**GOOD, "resource": "https://elsewhere.example/mcp"}),
        ("unsupported_grant_type", {**GOOD, "grant_type": "password"}),
        ("unsupported_grant_type", {}),
    ],
)
def test_what_cannot_be_granted_is_refused_with_oauths_code(sandbox: Sandbox, error: str, form: dict[str, str]) -> None:
    answer = _token(sandbox, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_wrong_secret_gets_no_token(sandbox: Sandbox) -> None:
    answer = _token(sandbox, "wrong", **GOOD)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_bad_tokens_can_be_minted_for_tests(sandbox: Sandbox) -> None:
    keys = _keys(sandbox)
    expired = jwt.decode(mint(sandbox.state, "ada", ttl_s=-10), keys, algorithms=["ES256"])
    elsewhere = jwt.decode(mint(sandbox.state, "ada", audience="https://x.example"), keys, algorithms=["ES256"])
    assert expired.claims["exp"] < time.time()
    assert elsewhere.claims["aud"] == "https://x.example"
    forged = mint(sandbox.state, "ada", key=ECKey.generate_key("P-256"))
    with pytest.raises(JoseError):
        jwt.decode(forged, keys, algorithms=["ES256"])


def test_nobody_unknown_has_a_token(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError) as refused:
        mint(sandbox.state, "mallory")
    assert refused.value.code == "sandbox_person_unknown"
