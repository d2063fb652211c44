"""Which credentials open a session of the look-alike, asked by the real driver."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from snowflake.connector.errors import Error

from server.brokers.minted import ExternalOAuth
from server.brokers.signing import KeySigner
from server.sandbox.account import public_pem_of, sandbox_account
from server.sandbox.other_logins import fingerprint, of_programmatic_token
from server.sandbox.replies import SnowflakeError
from server.sandbox.run import Sandbox
from server.sandbox.user_statements import AddToken
from server.sandbox.users import Users
from tests.support.sandbox import connection, minter, rows

Forge = Callable[[ExternalOAuth], str]


def _key(good: ExternalOAuth) -> RSAKey:
    [signer] = good.signers
    assert isinstance(signer, KeySigner)
    return signer.key


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
    return jwt.encode({"alg": "RS256"}, _claims(good, **changes), _key(good))


def _confused(good: ExternalOAuth) -> str:
    """The old trick: the public key, which everybody has, taken for an HMAC's secret."""
    header, claims = (_part(each) for each in ({"alg": "HS256", "typ": "JWT"}, _claims(good)))
    mac = hmac.digest(_key(good).as_pem(private=False), f"{header}.{claims}".encode(), "sha256")
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
    "other key": (
        390303,
        lambda good: replace(good, signers=(KeySigner(RSAKey.generate_key(2048)),)).mint("ADA", "ANALYST_RO"),
    ),
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


def _key_pair(sandbox: Sandbox, user: str = "SNOWGATE_BROKER", **changes: Any) -> dict[str, Any]:
    """A login as the broker with a key-pair JWT of our own making."""
    key = RSAKey.import_key(sandbox.state.broker_key_file.read_bytes())
    named, now = f"SANDBOX.{user}", int(time.time())
    claims = {"iss": f"{named}.{fingerprint(public_pem_of(sandbox.state.broker_key_file))}", "sub": named}
    token = jwt.encode({"alg": "RS256"}, {**claims, "iat": now, "exp": now + 60, **changes}, key)
    return {"AUTHENTICATOR": "SNOWFLAKE_JWT", "LOGIN_NAME": user, "TOKEN": token}


def _answer(sandbox: Sandbox, data: dict[str, Any]) -> str | None:
    url = f"{sandbox.lookalike.url}/session/v1/login-request?roleName=&warehouse=&databaseName=&schemaName="
    code: str | None = httpx2.post(url, json={"data": data}).json()["code"]
    return code


def test_a_key_opens_a_session_of_its_user_alone_and_within_its_hour(sandbox: Sandbox) -> None:
    now = int(time.time())
    assert _answer(sandbox, _key_pair(sandbox)) is None
    for bad in (
        _key_pair(sandbox, user="ADA"),
        _key_pair(sandbox, iss="SANDBOX.SNOWGATE_BROKER.SHA256:else"),
        _key_pair(sandbox, exp=now - 60),
        _key_pair(sandbox, iat=now + 600),
        _key_pair(sandbox, exp=now + 7_200),
        _key_pair(sandbox, exp="never"),
    ):
        assert _answer(sandbox, bad) == "390144"


def test_a_workload_opens_a_session_of_the_user_that_names_it(sandbox: Sandbox) -> None:
    good = minter(sandbox.state)

    def login(**changes: Any) -> dict[str, Any]:
        token = _signed(good, **{"sub": "ada", "scp": None, **changes})
        return {"AUTHENTICATOR": "WORKLOAD_IDENTITY", "PROVIDER": "OIDC", "TOKEN": token}

    assert _answer(sandbox, login()) is None
    bad = [login(sub="emil"), login(aud="https://elsewhere.example"), login(iss="https://elsewhere"), login(iat=None)]
    bad += [{**login(), "PROVIDER": "AWS"}, login(exp=int(time.time()) - 60)]
    assert {_answer(sandbox, each) for each in bad} == {"390144"}


def test_a_token_that_nobody_was_given_opens_nothing(sandbox: Sandbox) -> None:
    assert _answer(sandbox, {"AUTHENTICATOR": "PROGRAMMATIC_ACCESS_TOKEN", "TOKEN": "made up"}) == "394400"


def test_a_programmatic_token_expires_and_counts_against_fifteen() -> None:
    account, now = sandbox_account("", ""), [1_000.0]
    users = Users(account, lambda *_: anyio.lowlevel.checkpoint(), lambda: now[0])
    broker = account.role("SNOWGATE_BROKER")

    def add(name: str) -> str:
        made = anyio.run(users.run, AddToken("ADA", name, "ANALYST_RO", 1), broker, "q")
        return str(made["data"]["rowset"][0][1])

    first = add("T0")
    assert of_programmatic_token(account, first, now[0])[0].name == "ADA"
    for n in range(1, 15):
        add(f"T{n}")
    with pytest.raises(SnowflakeError) as full:
        add("T15")
    assert full.value.code == "099010"
    now[0] += 86_400
    with pytest.raises(SnowflakeError) as expired:
        of_programmatic_token(account, first, now[0])
    assert expired.value.code == "394400"
    add("T15")


def test_nobody_but_a_role_that_manages_users_changes_users(sandbox: Sandbox) -> None:
    with connection(sandbox.state) as session:
        for sql in (
            "ALTER USER ADA ADD PROGRAMMATIC ACCESS TOKEN T ROLE_RESTRICTION = 'ANALYST_RW' DAYS_TO_EXPIRY = 1",
            "CREATE USER EVE TYPE = SERVICE DEFAULT_ROLE = ANALYST_RW",
            "GRANT ROLE STEWARD_RW TO USER ADA",
            "ALTER USER EMIL SET DISABLED = TRUE",
            "DROP USER EMIL",
        ):
            with pytest.raises(Error) as refused:
                rows(session, sql)
            assert refused.value.errno == 3001
