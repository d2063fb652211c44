"""Which credentials open a session of the look-alike, asked by the real driver."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from snowflake.connector.errors import Error

from server.credentials import ExternalOAuth
from server.sandbox.run import Sandbox
from tests.support.sandbox import connection, minter, rows

Forge = Callable[[ExternalOAuth], str]


def _claims(good: ExternalOAuth, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": good.issuer,
        "aud": good.audience,
        "sub": "ADA",
        "scp": ["session:role:ANALYST_RO"],
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def _signed(good: ExternalOAuth, **changes: Any) -> str:
    return jwt.encode({"alg": "RS256"}, _claims(good, **changes), good.key)


def _confused(good: ExternalOAuth) -> str:
    """The old trick: the public key, which everybody has, taken for an HMAC's secret."""
    header, claims = (_part(each) for each in ({"alg": "HS256", "typ": "JWT"}, _claims(good)))
    mac = hmac.digest(good.key.as_pem(private=False), f"{header}.{claims}".encode(), "sha256")
    return f"{header}.{claims}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _part(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


ACCEPTED: dict[str, Forge] = {
    "role as a list": lambda good: good.mint("ADA", "ANALYST_RO"),
    "role as text": lambda good: _signed(good, scp="openid session:role:ANALYST_RO"),
    "role in lower case": lambda good: _signed(good, scp=["session:role:analyst_ro"]),
    "login name in lower case": lambda good: _signed(good, sub="ada"),
    "several roles": lambda good: _signed(good, scp=["session:role:ANALYST_RW", "session:role:ANALYST_RO"]),
    "several audiences": lambda good: _signed(good, aud=["https://elsewhere.example", good.audience]),
}

REFUSED: dict[str, tuple[int, Forge]] = {
    "no token": (390303, lambda good: "x"),
    "expired": (390318, lambda good: replace(good, clock=lambda: time.time() - 600).mint("ADA", "ANALYST_RO")),
    "issued in the future": (390303, lambda good: _signed(good, iat=int(time.time()) + 600)),
    "without expiry": (390303, lambda good: _signed(good, exp=None)),
    "without time of issue": (390303, lambda good: _signed(good, iat=None)),
    "other issuer": (390303, lambda good: _signed(good, iss="https://elsewhere.example/")),
    "issuer without its slash": (390303, lambda good: _signed(good, iss=good.issuer.rstrip("/"))),
    "other audience": (390303, lambda good: _signed(good, aud="https://elsewhere.example")),
    "without audience": (390303, lambda good: _signed(good, aud=None)),
    "other key": (390303, lambda good: replace(good, key=RSAKey.generate_key(2048)).mint("ADA", "ANALYST_RO")),
    "signed with the public key": (390303, lambda good: _confused(good)),
    "unsigned": (390303, lambda good: f"eyJhbGciOiJub25lIn0.{_signed(good).split('.')[1]}."),
    "changed after signing": (390303, lambda good: _signed(good).replace(".", ".e", 1)),
    "unknown user": (390303, lambda good: good.mint("NOBODY", "ANALYST_RO")),
    "disabled user": (390101, lambda good: good.mint("FORMER", "ANALYST_RO")),
    "role not in the token": (390317, lambda good: good.mint("ADA", "ANALYST_RW")),
    "no role in the token": (390317, lambda good: _signed(good, scp=[])),
    "role in the wrong claim": (390317, lambda good: _signed(good, scp=None, scope="session:role:ANALYST_RO")),
}


@pytest.mark.parametrize("forge", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_good_token_opens_a_session_of_its_user_and_role(sandbox: Sandbox, forge: Forge) -> None:
    with connection(sandbox.state, token=forge(minter(sandbox.state))) as session:
        assert rows(session, "select current_user(), current_role()") == [("ADA", "ANALYST_RO")]


@pytest.mark.parametrize(("code", "forge"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_token_opens_nothing(sandbox: Sandbox, code: int, forge: Forge) -> None:
    with pytest.raises(Error) as refused, connection(sandbox.state, token=forge(minter(sandbox.state))):
        pass
    assert refused.value.errno == code


def test_a_role_that_the_user_does_not_hold_opens_nothing(sandbox: Sandbox) -> None:
    with pytest.raises(Error) as refused, connection(sandbox.state, "ADA", "STEWARD_RO"):
        pass
    assert refused.value.errno == 390189


def test_an_administrators_role_is_blocked_even_if_the_token_names_it(sandbox: Sandbox) -> None:
    with pytest.raises(Error) as refused, connection(sandbox.state, "ADA", "ACCOUNTADMIN"):
        pass
    assert refused.value.errno == 390317


def test_a_token_of_another_user_than_the_one_named_opens_nothing(sandbox: Sandbox) -> None:
    with pytest.raises(Error) as refused, connection(sandbox.state, "ADA", user="EMIL"):
        pass
    assert refused.value.errno == 390309


def test_a_password_opens_nothing(sandbox: Sandbox) -> None:
    password: dict[str, Any] = {"authenticator": "snowflake", "user": "ADA", "password": "ADA", "token": None}
    with pytest.raises(Error) as refused, connection(sandbox.state, **password):
        pass
    assert refused.value.errno == 390100


def test_a_key_opens_nothing_yet(sandbox: Sandbox) -> None:
    key = sandbox.state.lease_key_file
    settings: dict[str, Any] = {
        "authenticator": "SNOWFLAKE_JWT",
        "user": "ADA",
        "private_key_file": str(key),
        "token": None,
    }
    with pytest.raises(Error) as refused, connection(sandbox.state, **settings):
        pass
    assert refused.value.errno == 390100
