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
PREFIX_MIN = {4: 8, 6: 32}
"""Shorter prefixes allow more addresses than any one operator has."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the gate's settings and policy ask of the account. Without `issuer` no integration is needed."""

    issuer: str | None
    audience: str | None
    roles: frozenset[str]
    writes: bool


def check_described(text: str, setup: Setup) -> list[Finding]:
    """Findings about all three.

    Raises:
        ValueError: `text` is not JSON.
    """
    integration: dict[str, str] = {}
    network: dict[str, str] = {}
    session: dict[str, str] = {}
    for row in _rows(json.loads(text)):
        if "property" in row:
            integration[row["property"].upper()] = row.get("property_value", "")
        elif "session_idle_timeout_mins" in row:
            session.update(row)
        elif "value" in row:
            network[row.get("name", "").upper()] = row["value"]
    findings = _integration(integration, setup) if setup.issuer is not None else []
    return [*findings, *_network(network), *_session(session, setup)]


def _rows(told: Any) -> Iterator[dict[str, str]]:
    if isinstance(told, list):
        for each in told:
            yield from _rows(each)
    elif isinstance(told, dict):
        yield {str(name).lower(): "" if value is None else str(value) for name, value in told.items()}


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
        "NETWORK_POLICY": {ADMINISTRATION},
        "IS_AGENTIC": {"TRUE"},
    }
    if not found:
        return [_undescribed(name)]
    findings = []
    for property_, values in wanted.items():
        if property_ not in found:
            findings.append(Finding(name, "unseen", f"{property_} was not described", "not_seen", STATEMENTS[name]))
        elif _parts(found[property_]) != {_folded(value) for value in values}:
            said = f"{property_} is {found[property_] or 'empty'}, not {', '.join(sorted(values))}"
            wished = f"{property_} = {_spelled(property_, values)}"
            hint = f"ALTER SECURITY INTEGRATION {quoted(ADMINISTRATION)} SET {wished};"
            findings.append(Finding(name, "no", said, "integration_differs", hint))
    return findings or [well(name, f"enabled, for {len(setup.roles)} roles and one audience")]


def _spelled(property_: str, values: set[str]) -> str:
    spelled = ", ".join(map(literal, sorted(values)))
    if property_.endswith("_LIST"):
        return f"({spelled})"
    return spelled if property_.startswith("EXTERNAL") and not property_.endswith("MODE") else next(iter(values))


def _network(found: Mapping[str, str]) -> list[Finding]:
    name = "network policy"
    if not found:
        return [_undescribed(name)]
    addresses = _parts(found.get("ALLOWED_IP_LIST", ""))
    rules = _parts(found.get("ALLOWED_NETWORK_RULE_LIST", ""))
    wide = sorted(address for address in addresses if _is_wide(address))
    hint = f"ALTER NETWORK POLICY {quoted(ADMINISTRATION)} SET ALLOWED_IP_LIST = (<the gate's addresses>);"
    if wide or not addresses | rules:
        said = f"it lets in {', '.join(wide) or 'everybody: it names no address'}"
        return [Finding(name, "no", said, "network_policy_open", hint)]
    return [well(name, f"{len(addresses)} addresses and {len(rules)} network rules are let in")]


def _is_wide(address: str) -> bool:
    try:
        network = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return True
    return network.prefixlen < PREFIX_MIN[network.version]


def _session(found: Mapping[str, str], setup: Setup) -> list[Finding]:
    name = "session policy"
    if not found:
        return [_undescribed(name)]
    policy = STATEMENTS[name].removeprefix("DESC ").removesuffix(";")
    findings = []
    for column, most in SESSION_LIMITS.items():
        minutes = found.get(column, "")
        if not minutes.isdigit() or not 0 < int(minutes) <= most:
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


def _parts(value: str) -> set[str]:
    """The members of a list, as Snowflake prints one: between commas, with or without brackets and quotes."""
    members = (part.strip(" '\"") for part in value.strip("[]() ").split(","))
    return {_folded(member) for member in members if member}


def _folded(value: str) -> str:
    """Names and words without case; addresses of the web are compared as they are."""
    return value if "/" in value else value.upper()
