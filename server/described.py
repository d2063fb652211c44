"""Compares what an administrator had described with the setup: security integration, network and session policy.

Only an administrator's role sees these. What it was told is handed over as JSON, as Snowflake's command line prints the
rows of DESC statements: objects in lists, however deep. Pure: text in, findings out. Sources: Snowflake, "DESCRIBE
INTEGRATION", "DESCRIBE NETWORK POLICY", "DESCRIBE SESSION POLICY".
"""

import ipaddress
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from server.bootstrap import ADMINISTRATION
from server.findings import Finding, well
from server.spelling import literal, quoted

STATEMENTS = {
    "integration": f"DESC SECURITY INTEGRATION {quoted(ADMINISTRATION)};",
    "network policy": f"DESC NETWORK POLICY {quoted(ADMINISTRATION)};",
    "session policy": f'DESC SESSION POLICY {quoted(ADMINISTRATION)}.PUBLIC."AGENTS";',
}
"""What an administrator runs, by what is looked at."""

SESSION_LIMITS = {"session_idle_timeout_mins": 5, "session_max_lifespan_mins": 60}
ADDRESSES_MAX = {4: 2**24, 6: 2**96}
"""More than that no one operator has."""

WORDS = frozenset(
    {"ENABLED", "EXTERNAL_OAUTH_ANY_ROLE_MODE", "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE", "IS_AGENTIC"}
)
"""Properties whose values are words of Snowflake's, in either case; of names and addresses the case counts."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the gate's settings and policy ask of the account; names are as Snowflake stores them.

    Without `issuer` no integration is needed. `public_keys` are base64 of DER; none means that they are not at hand.
    """

    issuer: str | None
    audience: str | None
    public_keys: frozenset[str]
    roles: frozenset[str]
    writes: bool


def check_described(text: str, setup: Setup) -> list[Finding]:
    """Findings about all three.

    Raises:
        ValueError: `text` is not JSON, or describes something twice.
    """
    integration: dict[str, str] = {}
    network: dict[str, str] = {}
    session: dict[str, str] = {}
    for row in _rows(json.loads(text)):
        if "property" in row:
            _take(integration, {row["property"].upper(): row.get("property_value", "")})
        elif "session_idle_timeout_mins" in row:
            _take(session, row)
        elif "name" in row:
            _take(network, {row["name"].upper(): row.get("value", "")})
    findings = _integration(integration, setup) if setup.issuer is not None else []
    return [*findings, *_network(network), *_session(session, setup)]


def _rows(told: Any) -> Iterator[dict[str, str]]:
    """Rows with their columns in lower case. What is null is left out: unknown is not empty."""
    if isinstance(told, list):
        for each in told:
            yield from _rows(each)
    elif isinstance(told, dict):
        yield {str(name).lower(): str(value) for name, value in told.items() if value is not None}


def _take(found: dict[str, str], told: Mapping[str, str]) -> None:
    if twice := found.keys() & told.keys():
        raise ValueError(f"{min(twice)} is described twice")
    found.update(told)


def _integration(found: Mapping[str, str], setup: Setup) -> list[Finding]:
    name = "integration"
    wanted = {
        "ENABLED": {"TRUE"},
        "EXTERNAL_OAUTH_ISSUER": {str(setup.issuer)},
        "EXTERNAL_OAUTH_AUDIENCE_LIST": {str(setup.audience)},
        "EXTERNAL_OAUTH_ANY_ROLE_MODE": {"DISABLE"},
        "EXTERNAL_OAUTH_ALLOWED_ROLES_LIST": set(setup.roles),
        "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM": {"sub"},
        "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE": {"LOGIN_NAME"},
        "EXTERNAL_OAUTH_JWS_KEYS_URL": set[str](),
        "NETWORK_POLICY": {ADMINISTRATION},
        "IS_AGENTIC": {"TRUE"},
    }
    if not found:
        return [_undescribed(name)]
    findings = [*_signed_by(found, setup.public_keys)]
    for property_, values in wanted.items():
        if property_ not in found:
            findings.append(Finding(name, "unseen", f"{property_} was not described", "not_seen", STATEMENTS[name]))
        elif _parts(found[property_], is_word=property_ in WORDS) != values:
            said = f"{property_} is {found[property_] or 'empty'}, not {', '.join(sorted(values)) or 'empty'}"
            wished = f"{property_} = {_spelled(property_, values)}"
            hint = f"ALTER SECURITY INTEGRATION {quoted(ADMINISTRATION)} SET {wished};"
            findings.append(Finding(name, "no", said, "integration_differs", hint))
    return findings or [well(name, f"enabled, for {len(setup.roles)} roles, one audience and the gate's keys alone")]


def _signed_by(found: Mapping[str, str], keys: frozenset[str]) -> Iterator[Finding]:
    """Whose tokens are believed: who has another key can be anybody here."""
    first, second = "EXTERNAL_OAUTH_RSA_PUBLIC_KEY", "EXTERNAL_OAUTH_RSA_PUBLIC_KEY_2"
    hint = f"ALTER SECURITY INTEGRATION {quoted(ADMINISTRATION)} SET {{}} = '<as snowgate snowflake setup prints it>';"
    if first not in found or not keys:
        said = f"{first} was not described" if keys else "the gate's public key is not at hand"
        yield Finding("integration", "unseen", said, "not_seen", STATEMENTS["integration"])
        return
    for property_ in (first, second):
        lines = found.get(property_, "").splitlines()
        key = "".join(line.strip() for line in lines if not line.startswith("-----"))
        if key not in keys and (property_ == first or key not in ("", "[]")):
            said = f"{property_} is not a key of the gate's"
            yield Finding("integration", "no", said, "integration_differs", hint.format(property_))


def _spelled(property_: str, values: set[str]) -> str:
    if not values:
        return "''"
    spelled = ", ".join(map(literal, sorted(values)))
    if property_.endswith("_LIST"):
        return f"({spelled})"
    return spelled if property_.startswith("EXTERNAL") and not property_.endswith("MODE") else next(iter(values))


def _network(found: Mapping[str, str]) -> list[Finding]:
    name = "network policy"
    if not found:
        return [_undescribed(name)]
    addresses = _parts(found.get("ALLOWED_IP_LIST", ""))
    hint = f"ALTER NETWORK POLICY {quoted(ADMINISTRATION)} SET ALLOWED_IP_LIST = (<the gate's addresses>);"
    if _parts(found.get("ALLOWED_NETWORK_RULE_LIST", "")):
        said = "network rules are let in, and what they hold was not described"
        return [
            Finding(name, "unseen", said, "not_seen", "Use ALLOWED_IP_LIST, or look at each with DESC NETWORK RULE.")
        ]
    if not addresses or _is_wide(addresses):
        said = f"it lets in {', '.join(sorted(addresses)) or 'everybody: it names no address'}"
        return [Finding(name, "no", said, "network_policy_open", hint)]
    return [well(name, f"{len(addresses)} ranges of addresses are let in")]


def _is_wide(addresses: set[str]) -> bool:
    """Whether all of them together are too many, or one cannot be read."""
    try:
        networks = [ipaddress.ip_network(address, strict=False) for address in addresses]
    except ValueError:
        return True
    many = {4: 0, 6: 0}
    for network in networks:
        many[network.version] += network.num_addresses
    return any(many[version] > most for version, most in ADDRESSES_MAX.items())


def _session(found: Mapping[str, str], setup: Setup) -> list[Finding]:
    name = "session policy"
    if not found:
        return [_undescribed(name)]
    policy = STATEMENTS[name].removeprefix("DESC ").removesuffix(";")
    findings = []
    if found.get("name", "AGENTS") != "AGENTS":
        findings.append(_differs(f"what was described is {found['name']}", STATEMENTS[name]))
    for column, most in SESSION_LIMITS.items():
        minutes = found.get(column, "")
        if not (minutes.isascii() and minutes.isdigit()) or not 0 < int(minutes) <= most:
            said = f"{column} is {minutes or 'unknown'}, not at most {most}"
            findings.append(_differs(said, f"ALTER {policy} SET {column.upper()} = {most};"))
    if _parts(found.get("allowed_secondary_roles", "ALL")):
        findings.append(_differs("secondary roles are allowed", f"ALTER {policy} SET ALLOWED_SECONDARY_ROLES = ();"))
    scope = found.get("agent_restricted_session_scope")
    if not setup.writes and scope != "SNOWFLAKE$DATA_READ":
        hint = f"ALTER {policy} SET AGENT_RESTRICTED_SESSION_SCOPE = 'SNOWFLAKE$DATA_READ';"
        if scope is None:
            findings.append(Finding(name, "unseen", "the restricted scope was not described", "not_seen", hint))
        else:
            findings.append(_differs(f"its restricted scope is {scope or 'empty'}", hint))
    return findings or [well(name, "short sessions, one role each")]


def _differs(said: str, hint: str) -> Finding:
    return Finding("session policy", "no", said, "session_policy_differs", hint)


def _undescribed(name: str) -> Finding:
    return Finding(name, "no", "it is not in what was described", "not_described", f"Run {STATEMENTS[name]}")


def _parts(value: str, *, is_word: bool = False) -> set[str]:
    """The members of a list, as Snowflake prints one: between commas, with or without brackets and quotes."""
    members = (part.strip(" '\"") for part in value.strip("[]() ").split(","))
    return {member.upper() if is_word else member for member in members if member}
