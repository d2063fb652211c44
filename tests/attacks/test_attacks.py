"""The matrix: each attack on a lease, for each way to make its credential, and what it gets.

What it gets is the look-alike's answer, which makes the checks that Snowflake documents; `-`: there is nothing to try.
Six digits are Snowflake's code for turning somebody away. `python -m pytest tests/attacks -s` prints the matrix.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest

from server.sandbox.run import Sandbox
from server.sandbox.state import LOOPBACK
from tests.attacks import attacks
from tests.attacks.attacks import NOTHING, Attack, named
from tests.attacks.thief import Thief
from tests.leases.test_brokers import WAYS, administrator

READER, WRITER, OWN = "Ada in ANALYST_RO", "Ada in ANALYST_RW", "a user of its own in ANALYST_RO"

NO_TOKEN, NO_JWT, NO_PAT, TOO_OLD = "390303", "390144", "394400", "390318"
NO_SUCH_ROLE, NOT_IN_TOKEN, IS_DISABLED = "390189", "390317", "390101"
SESSION_GONE, MASTER_GONE = "390111", "390114"
NO_PRIVILEGE, NOT_THERE, ONE_STATEMENT = "003001", "002003", "000008"


def everywhere(told: str) -> tuple[str, ...]:
    return (told,) * len(WAYS)


MATRIX: dict[Attack, tuple[str, ...]] = {
    # External OAuth, workload identity, programmatic access token, ephemeral user
    attacks.a_credential_that_has_expired: (TOO_OLD, NO_JWT, NOTHING, NO_JWT),
    # A credential is whose it is until it is used up: a minute, or one login, or one session. Nobody is given it.
    attacks.a_credential_before_the_gate_has_used_it: (READER, READER, READER, OWN),
    attacks.a_credential_replayed_while_its_session_lives: (READER, READER, NO_PAT, OWN),
    attacks.a_credential_replayed_when_its_session_has_ended: (READER, READER, NO_PAT, NO_JWT),
    attacks.a_credential_for_another_account: (NO_TOKEN, NO_JWT, NOTHING, NO_JWT),
    attacks.a_credential_of_another_issuer: (NO_TOKEN, NO_JWT, NOTHING, NOTHING),
    # A workload's token names no role: the weak side of that way, as docs/OPERATING.md says.
    attacks.a_credential_with_another_of_its_users_roles: (NOT_IN_TOKEN, WRITER, NO_SUCH_ROLE, NO_SUCH_ROLE),
    attacks.a_credential_with_an_administrators_role: (NOT_IN_TOKEN, NO_SUCH_ROLE, NO_SUCH_ROLE, NO_SUCH_ROLE),
    attacks.a_credential_with_the_brokers_role: (NOT_IN_TOKEN, NO_SUCH_ROLE, NO_SUCH_ROLE, NO_SUCH_ROLE),
    attacks.a_credential_when_its_user_is_disabled: everywhere(IS_DISABLED),
    attacks.a_credential_when_its_role_was_taken_from_its_user: everywhere(NO_SUCH_ROLE),
    attacks.a_session_token_while_its_session_lives: (READER, READER, READER, OWN),
    attacks.a_session_token_after_its_session_has_ended: everywhere(SESSION_GONE),
    attacks.a_session_token_after_the_gate_has_ended_it_from_outside: everywhere(SESSION_GONE),
    attacks.a_session_token_after_it_was_renewed: everywhere(SESSION_GONE),
    attacks.a_master_token_after_its_session_has_ended: everywhere(MASTER_GONE),
    attacks.the_master_token_of_another_session: everywhere(SESSION_GONE),
    attacks.a_session_token_after_its_user_was_disabled: everywhere(SESSION_GONE),
    attacks.a_session_token_to_change_its_role: (NO_PRIVILEGE, WRITER, NO_PRIVILEGE, NO_PRIVILEGE),
    attacks.a_session_token_to_add_secondary_roles: everywhere(NO_PRIVILEGE),
    attacks.a_session_token_to_write: everywhere(NO_PRIVILEGE),
    attacks.a_session_token_for_several_statements_in_one: everywhere(ONE_STATEMENT),
    attacks.a_session_token_to_make_a_lasting_credential: everywhere(NO_PRIVILEGE),
    attacks.a_session_token_to_read_anothers_result: everywhere(NOT_THERE),
    attacks.a_session_token_to_scan_anothers_result: everywhere(NOT_THERE),
    # Another session's result is there for the same user of Snowflake's: the reason why people do not share one.
    attacks.a_session_token_to_scan_another_sessions_result: ("ada's", "ada's", "ada's", NOT_THERE),
    attacks.a_session_token_to_end_anothers_session: everywhere(NO_PRIVILEGE),
    attacks.a_statement_under_way_when_its_user_is_disabled: everywhere(SESSION_GONE),
    attacks.a_statement_under_way_when_its_user_is_dropped: (NOTHING, NOTHING, NOTHING, SESSION_GONE),
}


@pytest.fixture(autouse=True)
def _hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES", LOOPBACK)


@pytest.fixture(params=WAYS)
def thief(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Thief]:
    with closing(administrator(sandbox.state)) as own:
        made = Thief(sandbox, WAYS[request.param](sandbox.state), own)
        with closing(getattr(made.broker, "administrator", own)):
            yield made


@pytest.mark.parametrize("attack", MATRIX, ids=named)
def test_what_is_stolen_from_a_lease_gets_no_further_than_the_lease(thief: Thief, attack: Attack) -> None:
    told = attack(thief)
    print(f"\n{thief.broker.name:>28}: {named(attack)}: {told}", end="")
    assert told == MATRIX[attack][list(WAYS).index(thief.broker.name)]


def test_every_attack_is_in_the_matrix() -> None:
    there = {value for name, value in vars(attacks).items() if name.startswith(("a_", "the_"))}
    assert there == set(MATRIX)
