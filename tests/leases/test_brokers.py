"""Each way to make a credential opens a session of one user in one role, and leaves nothing behind."""

import logging
import stat
import traceback
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from joserfc.jwk import RSAKey

from server.brokers.administrator import Administrator, KeyPairs
from server.brokers.ephemeral import PREFIX, EphemeralUsers
from server.brokers.minted import ExternalOAuth, Minted, WorkloadIdentity
from server.brokers.programmatic import ProgrammaticTokens
from server.brokers.signing import KeySigner, ProgramSigner, private_key_of, read_signing_key, signing_key
from server.config import SettingsError
from server.credentials import AccessToken, Broker, Credential, KeyPair, ProgrammaticToken, WorkloadToken
from server.pool import Kind, PoolLimits, SessionPool, open_pool
from server.refusals import Refusal, SnowflakeUnavailable
from server.sandbox import account
from server.sandbox.run import Sandbox
from server.sandbox.state import LOOPBACK, SandboxState
from server.warehouse import Account, Order, SnowflakeSession
from tests.support.sandbox import connection, rows

ADA = Kind("iss", "ada", "ANALYST_RO", account.WAREHOUSE, "p1")
WHO = Order("SELECT CURRENT_USER(), CURRENT_ROLE(), CURRENT_SECONDARY_ROLES()", (), 1, 20, "t")


def where(state: SandboxState) -> Account:
    return Account(account.ACCOUNT_NAME, LOOPBACK, state.ports.snowflake, "http")


def own(state: SandboxState, user: str = account.CATALOG_USER) -> KeyPairs:
    return KeyPairs(user, private_key_of(read_signing_key(state.broker_key_file)))


def administrator(state: SandboxState) -> Administrator:
    return Administrator(where(state), own(state, account.BROKER_USER), account.BROKER_ROLE, account.WAREHOUSE)


def minted(state: SandboxState, way: Callable[..., Minted]) -> Any:
    return way(account.OAUTH_ISSUER, account.OAUTH_AUDIENCE, (KeySigner(read_signing_key(state.lease_key_file)),))


WAYS: dict[str, Callable[[SandboxState], Broker]] = {
    "external_oauth": lambda state: minted(state, ExternalOAuth),
    "workload_identity": lambda state: minted(state, WorkloadIdentity),
    "programmatic_access_token": lambda state: ProgrammaticTokens(administrator(state)),
    "ephemeral_user": lambda state: EphemeralUsers(administrator(state)),
}


@pytest.fixture(autouse=True)
def _hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES", LOOPBACK)


@pytest.fixture(params=WAYS)
def broker(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Broker]:
    made = WAYS[request.param](sandbox.state)
    yield made
    if isinstance(made, ProgrammaticTokens | EphemeralUsers):
        made.administrator.close()


@asynccontextmanager
async def pool_of(sandbox: Sandbox, broker: Broker) -> AsyncGenerator[SessionPool]:
    with anyio.fail_after(60):
        async with open_pool(where(sandbox.state), broker, PoolLimits()) as pool:
            yield pool


def admin_rows(sandbox: Sandbox, sql: str) -> list[Any]:
    with closing(administrator(sandbox.state)) as admin:
        return list(admin.run(sql).rows)


async def test_a_session_has_one_user_one_role_and_no_secondary_roles(sandbox: Sandbox, broker: Broker) -> None:
    async with pool_of(sandbox, broker) as pool:
        pooled = await pool.borrow(ADA)
        [[user, role, secondary]] = (await pool.in_thread(lambda: pooled.session.run(WHO))).rows
        pool.give_back(pooled)
    assert user.startswith(PREFIX) if broker.name == "ephemeral_user" else user == "ADA"
    assert (role, secondary) == ("ANALYST_RO", '{"roles":"","value":"NONE"}')


async def test_a_read_role_cannot_write_whoever_made_its_credential(sandbox: Sandbox, broker: Broker) -> None:
    write = Order("DELETE FROM CRM.PUBLIC.TICKETS", (), 1, 20, "t", is_write=True)
    async with pool_of(sandbox, broker) as pool:
        pooled = await pool.borrow(ADA)
        with pytest.raises(Refusal) as refused:
            await pool.in_thread(lambda: pooled.session.run(write))
        pool.give_back(pooled)
    assert refused.value.facts["driver_errno"] == 3001


async def test_nothing_is_left_when_the_pool_has_closed(sandbox: Sandbox, broker: Broker) -> None:
    made: list[str] = []
    plan = broker.plan

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return getattr(broker, name)

        def plan(self, subject: str) -> str | None:
            made.extend(filter(None, [handle := plan(subject)]))
            return handle

    async with pool_of(sandbox, Watched()) as pool:
        pool.give_back(await pool.borrow(ADA))
        session_id = (pooled := await pool.borrow(ADA)).session.session_id
        pool.give_back(pooled)
        assert admin_rows(sandbox, 'SHOW USER PROGRAMMATIC ACCESS TOKENS FOR USER "ADA"') == []  # dead before a call
    with connection(sandbox.state, account.CATALOG_USER, account.CATALOG_ROLE) as gate:
        assert rows(gate, f"select system$abort_session({session_id})")[0][0].endswith("does not exist.")
    for user in (handle for handle in made if handle.startswith(PREFIX)):
        with pytest.raises(Refusal):
            admin_rows(sandbox, f'SHOW USER PROGRAMMATIC ACCESS TOKENS FOR USER "{user}"')


async def test_a_session_is_its_users_however_their_name_is_spelled(sandbox: Sandbox, broker: Broker) -> None:
    """The catalog's user is named in capitals, people as their issuer writes them."""
    async with pool_of(sandbox, broker) as pool:
        pooled = await pool.borrow(replace(ADA, subject="Ada"))
        [[user, *_]] = (await pool.in_thread(lambda: pooled.session.run(WHO))).rows
        pool.give_back(pooled)
    assert user == "ADA" or user.startswith(PREFIX)


def test_withdrawing_twice_is_harmless(sandbox: Sandbox, broker: Broker) -> None:
    handle = broker.plan("ada")
    if handle is not None:
        broker.issue("ada", "ANALYST_RO", handle)
        broker.withdraw(handle)
        broker.withdraw(handle)


def test_a_withdrawn_credential_opens_nothing(sandbox: Sandbox, broker: Broker) -> None:
    handle = broker.plan("ada")
    credential = broker.issue("ada", "ANALYST_RO", handle)
    if handle is None:
        pytest.skip("it dies by itself")
    broker.withdraw(handle)
    with pytest.raises(SnowflakeUnavailable):
        SnowflakeSession(where(sandbox.state), credential, role="ANALYST_RO", warehouse=account.WAREHOUSE)


def test_a_token_cannot_be_used_with_another_role(sandbox: Sandbox, broker: Broker) -> None:
    if broker.name == "workload_identity":
        pytest.skip("its token names no role: it opens any role that its user has")
    handle = broker.plan("ada")
    try:
        credential = broker.issue("ada", "ANALYST_RO", handle)
        with pytest.raises(SnowflakeUnavailable):
            SnowflakeSession(where(sandbox.state), credential, role="ANALYST_RW", warehouse=account.WAREHOUSE)
    finally:
        if handle is not None:
            broker.withdraw(handle)


def test_a_secret_is_in_no_repr_no_error_no_log_and_no_frame(
    sandbox: Sandbox, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    handle = broker.plan("ada")
    credential = broker.issue("ada", "ANALYST_RO", handle)
    told = _told_of_a_refused_login(sandbox, credential)
    if handle is not None:
        broker.withdraw(handle)
    assert "LoginRefused" in told
    assert _secret_of(credential) not in told + repr(credential) + repr(broker) + str(handle) + caplog.text


def _told_of_a_refused_login(sandbox: Sandbox, credential: Credential) -> str:
    """All that can be learnt from the refusal, the locals of every frame included."""
    with pytest.raises(SnowflakeUnavailable) as refused:
        SnowflakeSession(where(sandbox.state), credential, role="ACCOUNTADMIN", warehouse="nowhere")
    assert refused.value.__context__ is None
    shown = traceback.TracebackException.from_exception(refused.value, capture_locals=True).format()
    return repr(refused.value) + repr(refused.value.facts) + "".join(shown)


def _secret_of(credential: Credential) -> str:
    match credential:
        case AccessToken(token) | WorkloadToken(token) | ProgrammaticToken(token):
            return token.get_secret_value()
        case KeyPair(_, key):
            return str(key.private_numbers().d)


def test_a_program_that_keeps_the_key_to_itself_signs_what_opens_a_session(sandbox: Sandbox, tmp_path: Path) -> None:
    """Stands for a key management service: the key is on the other side of a pipe, and never in this process."""
    key, out = sandbox.state.lease_key_file, tmp_path / "sign"
    out.write_text(f"#!/bin/sh\n/usr/bin/openssl dgst -sha256 -sign {key} | /usr/bin/base64 -w0\n")
    out.chmod(out.stat().st_mode | stat.S_IXUSR)
    broker = ExternalOAuth(account.OAUTH_ISSUER, account.OAUTH_AUDIENCE, (ProgramSigner(out),))
    credential = broker.issue("ada", "ANALYST_RO", None)
    SnowflakeSession(where(sandbox.state), credential, role="ANALYST_RO", warehouse=account.WAREHOUSE).close()


@pytest.mark.parametrize("script", ["exit 1", "echo not base64!", "echo c2hvcnQ=", "cat >/dev/null"])
def test_a_program_that_does_not_sign_opens_nothing_and_its_words_are_not_told(tmp_path: Path, script: str) -> None:
    program = tmp_path / "sign"
    program.write_text(f"#!/bin/sh\necho secret-of-the-program >&2\n{script}\n")
    program.chmod(0o700)
    with pytest.raises(SnowflakeUnavailable) as refused:
        ExternalOAuth("https://gate", "https://snow", (ProgramSigner(program),)).issue("ada", "R", None)
    assert "secret" not in repr(refused.value) + repr(refused.value.facts) + repr(refused.value.__context__)


async def test_while_a_key_is_rotated_either_key_opens_sessions(sandbox: Sandbox) -> None:
    known, unknown = KeySigner(read_signing_key(sandbox.state.lease_key_file)), KeySigner(RSAKey.generate_key(2048))
    for signers in ((known, unknown), (unknown, known)):
        broker = ExternalOAuth(account.OAUTH_ISSUER, account.OAUTH_AUDIENCE, signers)
        async with pool_of(sandbox, broker) as pool:
            pool.give_back(await pool.borrow(ADA))
    broker = ExternalOAuth(account.OAUTH_ISSUER, account.OAUTH_AUDIENCE, (unknown, unknown))
    async with pool_of(sandbox, broker) as pool:
        with pytest.raises(SnowflakeUnavailable):
            await pool.borrow(ADA)


async def test_more_logins_at_once_than_a_user_may_have_tokens_all_succeed(sandbox: Sandbox) -> None:
    with closing(administrator(sandbox.state)) as admin:
        async with pool_of(sandbox, ProgrammaticTokens(admin)) as pool:
            got: list[Any] = []

            async def borrow() -> None:
                got.append(await pool.borrow(ADA))

            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(borrow)
            assert len(got) == 20
            for pooled in got:
                pool.give_back(pooled)


def test_a_key_that_is_none_is_refused_without_a_word_of_it() -> None:
    for pem in (b"", b"secret text", RSAKey.generate_key(2048).as_pem(private=False)):
        with pytest.raises(SettingsError) as refused:
            signing_key(pem, "somewhere")
        assert "secret" not in "".join(traceback.format_exception(refused.value))
