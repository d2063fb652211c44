"""The attacks, each named for what somebody does with what they have stolen."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

from server.brokers.minted import Minted
from server.credentials import Handle, KeyPair
from server.sandbox import account
from tests.attacks.thief import READ, WRITE, Thief, Tokens, signed_by
from tests.support.sandbox import connection, rows

NOTHING = "-"
"""There is nothing of the kind to try."""

Attack: TypeAlias = Callable[[Thief], str]


def user_of(handle: Handle | None) -> str:
    """The user in Snowflake that a session is of."""
    return handle if handle is not None and "@" not in handle else "ADA"


@contextmanager
def disabled(thief: Thief, handle: Handle | None) -> Iterator[None]:
    """The session's user is disabled while inside."""
    thief.administrator.run(f'ALTER USER "{user_of(handle)}" SET DISABLED = TRUE')
    try:
        yield
    finally:
        thief.administrator.run(f'ALTER USER "{user_of(handle)}" SET DISABLED = FALSE')


# with a credential


def a_credential_that_has_expired(thief: Thief) -> str:
    if isinstance(thief.broker, Minted):
        long_ago = replace(thief.broker, clock=lambda: time.time() - 600)
        return thief.opens(long_ago.issue("ada", READ, None))
    with thief.credential() as (credential, _):
        if isinstance(credential, KeyPair):
            return thief.opens(credential, TOKEN=signed_by(credential.user, credential.key, age_s=600))
    return NOTHING


def a_credential_before_the_gate_has_used_it(thief: Thief) -> str:
    with thief.credential() as (credential, _):
        return thief.opens(credential)


def a_credential_replayed_while_its_session_lives(thief: Thief) -> str:
    with thief.credential() as (credential, handle):
        thief.opens(credential)
        thief.broker.logged_in(handle)
        return thief.opens(credential)


def a_credential_replayed_when_its_session_has_ended(thief: Thief) -> str:
    with thief.credential() as (credential, handle):
        thief.opens(credential)
        left = thief.broker.logged_in(handle)
        if left is not None:
            thief.broker.withdraw(left)
        return thief.opens(credential)


def a_credential_for_another_account(thief: Thief) -> str:
    if isinstance(thief.broker, Minted):
        elsewhere = replace(thief.broker, audience="https://other.snowflakecomputing.com")
        return thief.opens(elsewhere.issue("ada", READ, None))
    with thief.credential() as (credential, _):
        if isinstance(credential, KeyPair):
            return thief.opens(credential, TOKEN=signed_by(credential.user, credential.key, account_name="OTHER"))
    return NOTHING


def a_credential_of_another_issuer(thief: Thief) -> str:
    if not isinstance(thief.broker, Minted):
        return NOTHING
    return thief.opens(replace(thief.broker, issuer="https://evil.test/").issue("ada", READ, None))


def a_credential_with_another_of_its_users_roles(thief: Thief) -> str:
    with thief.credential() as (credential, _):
        return thief.opens(credential, WRITE)


def a_credential_with_an_administrators_role(thief: Thief) -> str:
    with thief.credential() as (credential, _):
        return thief.opens(credential, "ACCOUNTADMIN")


def a_credential_with_the_brokers_role(thief: Thief) -> str:
    with thief.credential() as (credential, _):
        return thief.opens(credential, account.BROKER_ROLE)


def a_credential_when_its_user_is_disabled(thief: Thief) -> str:
    with thief.credential() as (credential, handle), disabled(thief, handle):
        return thief.opens(credential)


def a_credential_when_its_role_was_taken_from_its_user(thief: Thief) -> str:
    with thief.credential() as (credential, handle):
        user = user_of(handle)
        thief.administrator.run(f'REVOKE ROLE "{READ}" FROM USER "{user}"')
        try:
            return thief.opens(credential)
        finally:
            thief.administrator.run(f'GRANT ROLE "{READ}" TO USER "{user}"')


# with the token of an open session


def in_session(attack: Callable[[Thief, Tokens], str]) -> Attack:
    """The attack in a session of its own."""

    def attempt(thief: Thief) -> str:
        with thief.session() as tokens:
            return attack(thief, tokens)

    attempt.__name__ = attack.__name__
    return attempt


@in_session
def a_session_token_while_its_session_lives(thief: Thief, tokens: Tokens) -> str:
    return thief.who(tokens)


@in_session
def a_session_token_after_its_session_has_ended(thief: Thief, tokens: Tokens) -> str:
    thief.end(tokens)
    return thief.who(tokens)


@in_session
def a_session_token_after_the_gate_has_ended_it_from_outside(thief: Thief, tokens: Tokens) -> str:
    with connection(thief.sandbox.state, account.CATALOG_USER, account.CATALOG_ROLE) as own:
        rows(own, f"select system$abort_session({tokens.session_id})")
    return thief.who(tokens)


@in_session
def a_master_token_after_its_session_has_ended(thief: Thief, tokens: Tokens) -> str:
    thief.end(tokens)
    return thief.renew(tokens)


@in_session
def a_session_token_after_it_was_renewed(thief: Thief, tokens: Tokens) -> str:
    renewed = replace(tokens, session=thief.renew(tokens))
    told = thief.who(tokens)
    thief.end(renewed)
    return told


@in_session
def the_master_token_of_another_session(thief: Thief, tokens: Tokens) -> str:
    with thief.session() as other:
        return thief.renew(tokens, other.master)


@in_session
def a_session_token_to_change_its_role(thief: Thief, tokens: Tokens) -> str:
    refused = thief.query(tokens.session, f"USE ROLE {WRITE}")
    return refused if refused.isdigit() else thief.who(tokens)


@in_session
def a_session_token_to_add_secondary_roles(thief: Thief, tokens: Tokens) -> str:
    return thief.query(tokens.session, "USE SECONDARY ROLES ALL")


@in_session
def a_session_token_to_write(thief: Thief, tokens: Tokens) -> str:
    return thief.query(tokens.session, "DELETE FROM CRM.PUBLIC.TICKETS")


@in_session
def a_session_token_for_several_statements_in_one(thief: Thief, tokens: Tokens) -> str:
    return thief.query(tokens.session, "SELECT 1; DELETE FROM CRM.PUBLIC.TICKETS")


@in_session
def a_session_token_to_make_a_lasting_credential(thief: Thief, tokens: Tokens) -> str:
    sql = f"ALTER USER ADA ADD PROGRAMMATIC ACCESS TOKEN T ROLE_RESTRICTION = '{READ}' DAYS_TO_EXPIRY = 365"
    return thief.query(tokens.session, sql)


@in_session
def a_session_token_to_read_anothers_result(thief: Thief, tokens: Tokens) -> str:
    with connection(thief.sandbox.state, "STELLA", "STEWARD_RO") as stella, stella.cursor() as cursor:
        query_id = cursor.execute("SELECT 'what only Stella may see'").sfqid
    return thief.result(tokens.session, query_id)


@in_session
def a_session_token_to_scan_anothers_result(thief: Thief, tokens: Tokens) -> str:
    with connection(thief.sandbox.state, "STELLA", "STEWARD_RO") as stella, stella.cursor() as cursor:
        query_id = cursor.execute("SELECT 'what only Stella may see' AS seen").sfqid
        return thief.query(tokens.session, f"SELECT * FROM TABLE(RESULT_SCAN('{query_id}'))")


@in_session
def a_session_token_to_scan_another_sessions_result(thief: Thief, tokens: Tokens) -> str:
    """One of the same person's."""
    with connection(thief.sandbox.state) as ada, ada.cursor() as cursor:
        query_id = cursor.execute("SELECT 'ada''s' AS seen").sfqid
        return thief.query(tokens.session, f"SELECT * FROM TABLE(RESULT_SCAN('{query_id}'))")


@in_session
def a_session_token_to_end_anothers_session(thief: Thief, tokens: Tokens) -> str:
    with connection(thief.sandbox.state, "STELLA", "STEWARD_RO") as stella:
        return thief.query(tokens.session, f"SELECT SYSTEM$ABORT_SESSION({stella.session_id})")


def a_session_token_after_its_user_was_disabled(thief: Thief) -> str:
    with thief.opened() as (tokens, handle), disabled(thief, handle):
        return thief.who(tokens)


def a_statement_under_way_when_its_user_is_disabled(thief: Thief) -> str:
    told: list[str] = []
    with thief.opened() as (tokens, handle):
        running = threading.Thread(target=lambda: told.append(thief.query(tokens.session, "SELECT SYSTEM$WAIT(30)")))
        running.start()
        thief.wait_for("SYSTEM$WAIT(30)", tokens.session_id)
        with disabled(thief, handle):
            running.join(20)
    return told[0] if told else "goes on"


def a_statement_under_way_when_its_user_is_dropped(thief: Thief) -> str:
    """Or what is left of the credential, where it has a user of its own."""
    told: list[str] = []
    with thief.opened() as (tokens, handle):
        if handle is None or "@" in handle:
            return NOTHING
        running = threading.Thread(target=lambda: told.append(thief.query(tokens.session, "SELECT SYSTEM$WAIT(31)")))
        running.start()
        thief.wait_for("SYSTEM$WAIT(31)", tokens.session_id)
        thief.broker.withdraw(handle)
        running.join(20)
    return told[0] if told else "goes on"


def named(value: Any) -> str:
    """An attack's name in words."""
    return str(value.__name__).replace("_", " ")
