"""What an administrator had described is compared with the setup: whatever differs is found, with its remedy."""

import json
from typing import Any

import pytest

from server.described import STATEMENTS, Setup, check_described
from server.findings import Finding

KEY = "MIIBIjANBg"
SETUP = Setup(
    "https://gate.example/", "https://acct.example", frozenset({KEY}), frozenset({"RO", "CATALOG"}), writes=False
)
INTEGRATION = {
    "ENABLED": "true",
    "EXTERNAL_OAUTH_ISSUER": "https://gate.example/",
    "EXTERNAL_OAUTH_AUDIENCE_LIST": "https://acct.example",
    "EXTERNAL_OAUTH_ANY_ROLE_MODE": "DISABLE",
    "EXTERNAL_OAUTH_ALLOWED_ROLES_LIST": "CATALOG,RO",
    "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM": "['sub']",
    "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE": "LOGIN_NAME",
    "EXTERNAL_OAUTH_RSA_PUBLIC_KEY": f"-----BEGIN PUBLIC KEY-----\n{KEY}\n",
    "EXTERNAL_OAUTH_RSA_PUBLIC_KEY_2": "",
    "EXTERNAL_OAUTH_JWS_KEYS_URL": "[]",
    "NETWORK_POLICY": "SNOWGATE",
    "IS_AGENTIC": "true",
}
NETWORK = {"ALLOWED_IP_LIST": "192.0.2.10/32"}
SESSION: dict[str, Any] = {
    "name": "AGENTS", "session_idle_timeout_mins": 5, "session_max_lifespan_mins": 60, "allowed_secondary_roles": "[]",
    "agent_restricted_session_scope": "SNOWFLAKE$DATA_READ",
}  # fmt: skip


def described(
    integration: dict[str, str] = INTEGRATION, network: dict[str, str] = NETWORK, session: dict[str, Any] = SESSION
) -> str:
    """Rows as three DESC statements give them."""
    properties = [
        {"property": name, "property_type": "x", "property_value": value} for name, value in integration.items()
    ]
    policies = [{"name": name, "value": value} for name, value in network.items()]
    return json.dumps([properties, policies, [session] if session else []])


def told(text: str, setup: Setup = SETUP) -> list[tuple[str, str, str]]:
    return [(each.name, each.verdict, each.code) for each in check_described(text, setup)]


def test_an_account_as_the_setup_makes_it_is_well() -> None:
    assert told(described()) == [(name, "ok", "") for name in STATEMENTS]


@pytest.mark.parametrize(
    ("property_", "value"),
    [
        ("ENABLED", "false"),
        ("EXTERNAL_OAUTH_ISSUER", "https://gate.example"),
        ("EXTERNAL_OAUTH_ISSUER", "https://GATE.example/"),
        ("EXTERNAL_OAUTH_AUDIENCE_LIST", "https://acct.example,https://other.example"),
        ("EXTERNAL_OAUTH_ANY_ROLE_MODE", "ENABLE"),
        ("EXTERNAL_OAUTH_ALLOWED_ROLES_LIST", "CATALOG,RO,SYSADMIN"),
        ("EXTERNAL_OAUTH_ALLOWED_ROLES_LIST", ""),
        ("EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM", "['email']"),
        ("EXTERNAL_OAUTH_ALLOWED_ROLES_LIST", 'CATALOG,"ro"'),
        ("EXTERNAL_OAUTH_RSA_PUBLIC_KEY", "MIIBanother"),
        ("EXTERNAL_OAUTH_RSA_PUBLIC_KEY", ""),
        ("EXTERNAL_OAUTH_RSA_PUBLIC_KEY_2", "MIIBanother"),
        ("EXTERNAL_OAUTH_JWS_KEYS_URL", "https://elsewhere.example/jwks"),
        ("NETWORK_POLICY", ""),
        ("NETWORK_POLICY", '"snowgate"'),
        ("IS_AGENTIC", "false"),
    ],
)
def test_each_property_of_the_integration_counts(property_: str, value: str) -> None:
    [found] = [each for each in check_described(described({**INTEGRATION, property_: value}), SETUP) if each.code]
    assert (found.verdict, found.code) == ("no", "integration_differs")
    assert found.hint.startswith(f'ALTER SECURITY INTEGRATION "SNOWGATE" SET {property_} = ')


@pytest.mark.parametrize(
    "addresses", ["0.0.0.0/0", "192.0.2.10/32,0.0.0.0/0", "::/0", "10.0.0.0/4", "", "anywhere", "10.0.0.0/8,11.0.0.0/8"]
)
def test_a_network_policy_that_lets_everybody_in_is_not_well(addresses: str) -> None:
    assert ("network policy", "no", "network_policy_open") in told(described(network={"ALLOWED_IP_LIST": addresses}))


@pytest.mark.parametrize(
    "change",
    [
        {"session_idle_timeout_mins": 240},
        {"session_max_lifespan_mins": None},
        {"session_max_lifespan_mins": 0},
        {"session_idle_timeout_mins": "\u00b2"},
        {"allowed_secondary_roles": "ALL"},
        {"allowed_secondary_roles": None},
        {"name": "OTHERS"},
        {"agent_restricted_session_scope": ""},
    ],
)
def test_a_session_policy_that_is_wider_is_not_well(change: dict[str, Any]) -> None:
    assert ("session policy", "no", "session_policy_differs") in told(described(session={**SESSION, **change}))


def test_what_was_not_described_is_never_well() -> None:
    assert told("[]") == [(name, "no", "not_described") for name in STATEMENTS]
    few = {name: value for name, value in INTEGRATION.items() if name != "IS_AGENTIC"}
    assert ("integration", "unseen", "not_seen") in told(described(few))
    silent = {name: value for name, value in SESSION.items() if name != "allowed_secondary_roles"}
    assert ("session policy", "no", "session_policy_differs") in told(described(session=silent))


def test_without_external_oauth_no_integration_is_asked_for() -> None:
    other = Setup(None, None, frozenset(), SETUP.roles, writes=True)
    scopeless = {name: value for name, value in SESSION.items() if name != "agent_restricted_session_scope"}
    found = told(described({}, session=scopeless), other)
    assert found == [("network policy", "ok", ""), ("session policy", "ok", "")]


def test_network_rules_and_keys_that_are_not_at_hand_are_not_seen() -> None:
    ruled = told(described(network={"ALLOWED_IP_LIST": "", "ALLOWED_NETWORK_RULE_LIST": "D.S.ANYWHERE"}))
    assert ("network policy", "unseen", "not_seen") in ruled
    by_program = Setup(SETUP.issuer, SETUP.audience, frozenset(), SETUP.roles, writes=False)
    assert ("integration", "unseen", "not_seen") in told(described(), by_program)


def test_what_is_described_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        check_described(
            json.dumps([json.loads(described()), json.loads(described({"ENABLED": "false"}, {}, {}))]), SETUP
        )


def test_anything_but_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        check_described("ENABLED = true", SETUP)


def test_findings_that_are_not_well_say_what_to_do() -> None:
    for text in ("[]", described({**INTEGRATION, "ENABLED": "false"}), described(network={})):
        found: list[Finding] = check_described(text, SETUP)
        assert all(each.hint for each in found if each.verdict != "ok")
