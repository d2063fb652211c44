"""What an account has too much or too little of, against the setup that is printed, is found and its remedy named."""

import json
import re
from typing import Any

import pytest
from typer.testing import CliRunner

from server.account_check import Expected, Privilege, check_role, check_warehouse, privileges_of
from server.bootstrap import BROKERS
from server.cli.main import app
from server.config import BrokerName
from server.findings import Finding
from tests.cli.test_bootstrap import statements, text_of
from tests.support.clients import Gate

READS = Expected("R", "reads", ("CRM",), ("W",))
WRITES = Expected("RW", "writes", ("CRM",), ("W",))
CATALOG = Expected("C", "catalog", ("CRM",), ("W",))

GIVEN = re.compile(r'GRANT ([A-Z, ]+) ON (?:ALL )?(\w+)(?: "(\w+)")?(?: IN DATABASE "(\w+)")? TO ROLE "(\w+)";')


def given_by(text: str, role: str) -> list[Privilege]:
    """What SHOW GRANTS TO ROLE would say after the printed SQL, of a database with one schema, table and view."""
    found: list[Privilege] = []
    for privileges, kind, name, database, to in GIVEN.findall(text):
        objects = {
            "SCHEMAS": ("SCHEMA", f"{database}.S"), "TABLES": ("TABLE", f"{database}.S.T"),
            "VIEWS": ("VIEW", f"{database}.S.V"),
        }  # fmt: skip
        where = objects.get(kind, (kind, name))
        if to == role:
            found += [Privilege(privilege.strip(), *where) for privilege in privileges.split(",")]
    return found


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize("expected", [READS, WRITES, CATALOG], ids=lambda each: each.use)
@pytest.mark.parametrize("broker", BROKERS)
def test_an_account_that_was_set_up_as_printed_is_well(broker: BrokerName, expected: Expected) -> None:
    text = text_of(broker, write_role="RW")
    [finding] = check_role(expected, given_by(text, expected.role))
    assert finding.verdict == "ok"


@pytest.mark.parametrize("expected", [READS, WRITES, CATALOG], ids=lambda each: each.use)
def test_each_privilege_that_is_missing_is_named_with_the_statement_that_gives_it(expected: Expected) -> None:
    text = text_of("external_oauth", write_role="RW")
    all_of_them = given_by(text, expected.role)
    remedies = set(statements(text))
    needed = [
        g for g in all_of_them if (g.privilege, g.kind) != ("USAGE", "SCHEMA") and g.kind in ("WAREHOUSE", "DATABASE")
    ]
    for missing in needed:
        found = check_role(expected, [each for each in all_of_them if each != missing])
        assert codes(found) == ["privilege_missing"], missing
        assert found[0].hint in remedies
    bare = check_role(expected, [each for each in all_of_them if each.kind not in ("TABLE", "VIEW")])
    assert codes(bare) == ["privilege_missing"]
    assert all(part + ";" in remedies for part in bare[0].hint.split(";")[:-1] for part in [part.strip()])


TOO_MUCH: dict[str, tuple[Expected, Privilege, str]] = {
    "a read role that inserts": (READS, Privilege("INSERT", "TABLE", "CRM.S.T"), "privilege_excess"),
    "a read role that owns": (READS, Privilege("OWNERSHIP", "TABLE", "CRM.S.T"), "privilege_excess"),
    "a read role with a stage": (READS, Privilege("READ", "STAGE", "CRM.S.ST"), "privilege_excess"),
    "a read role with a function": (READS, Privilege("USAGE", "FUNCTION", "CRM.S.F"), "privilege_excess"),
    "a read role with a procedure": (READS, Privilege("USAGE", "PROCEDURE", "CRM.S.P"), "privilege_excess"),
    "a read role that makes tables": (READS, Privilege("CREATE TABLE", "SCHEMA", "CRM.S"), "privilege_excess"),
    "a read role that operates": (READS, Privilege("OPERATE", "WAREHOUSE", "W"), "privilege_excess"),
    "a read role with another role": (READS, Privilege("USAGE", "ROLE", "SYSADMIN"), "role_inherited"),
    "a write role that manages privileges": (WRITES, Privilege("MANAGE GRANTS", "ACCOUNT", "A"), "privilege_excess"),
    "a write role that drops databases": (WRITES, Privilege("OWNERSHIP", "DATABASE", "CRM"), "privilege_excess"),
    "a catalog that reads data": (CATALOG, Privilege("SELECT", "TABLE", "CRM.S.T"), "privilege_excess"),
    "a catalog with a role": (CATALOG, Privilege("USAGE", "DATABASE_ROLE", "CRM.ALL"), "role_inherited"),
    "something new": (READS, Privilege("FLY", "BALLOON", "B"), "privilege_excess"),
}


@pytest.mark.parametrize(("expected", "one", "code"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_a_role_that_may_do_more_than_it_needs_is_not_well(expected: Expected, one: Privilege, code: str) -> None:
    text = text_of("external_oauth", write_role="RW")
    [found] = check_role(expected, [*given_by(text, expected.role), one])
    assert (found.verdict, found.code) == ("no", code)
    assert found.hint.startswith("REVOKE ")
    assert expected.role in found.hint


def test_the_governance_roles_of_snowflake_are_the_catalogs_to_have() -> None:
    held = given_by(text_of("external_oauth"), "C")
    [found] = check_role(CATALOG, [*held, Privilege("USAGE", "DATABASE_ROLE", "SNOWFLAKE.OBJECT_VIEWER")])
    assert found.verdict == "ok"


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (None, "warehouse_missing"),
        ({"resource_monitor": "null", "auto_suspend": "60"}, "warehouse_unmonitored"),
        ({"resource_monitor": "SNOWGATE", "auto_suspend": "0"}, "warehouse_never_suspends"),
        ({"resource_monitor": "SNOWGATE", "auto_suspend": "None"}, "warehouse_never_suspends"),
        ({"resource_monitor": "SNOWGATE", "auto_suspend": "60"}, ""),
    ],
)
def test_a_warehouse_without_a_limit_is_not_well(found: dict[str, str] | None, code: str) -> None:
    assert check_warehouse("W", found).code == code


def test_another_answer_than_privileges_is_no_held() -> None:
    with pytest.raises(ValueError, match="privilege"):
        privileges_of(["status"], [["fine"]])


def _doctor(gate: Gate, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    command = ["doctor", "--json", "--env-file", str(gate.sandbox.state.env_file), *arguments]
    done = CliRunner().invoke(app, command)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert all({"check", "ok", "verdict", "found", "code", "hint"} == set(each) for each in told)
    assert all((each["verdict"] == "ok") == (each["code"] == "") for each in told), told
    return done.exit_code, {each["check"]: each for each in told}


def test_the_doctor_looks_at_each_role_as_somebody_who_has_it(gate: Gate) -> None:
    status, told = _doctor(gate, "--as", "ada")
    assert status == 0, told
    well = {name for name, each in told.items() if each["verdict"] == "ok"}
    assert {"role CATALOG_RO", "role ANALYST_RO", "role ANALYST_RW", "warehouse GATE_WH"} <= well
    assert {"administrators' roles", "revocations", "limits", "introspection"} <= well
    unseen = {name: each["code"] for name, each in told.items() if each["verdict"] == "unseen"}
    assert unseen == {
        "role STEWARD_RO": "role_not_opened", "role STEWARD_RW": "role_not_opened", "integration": "not_seen",
        "network policy": "not_seen", "session policy": "not_seen",
    }  # fmt: skip


def test_without_a_person_the_doctor_says_what_it_did_not_see(gate: Gate) -> None:
    status, told = _doctor(gate)
    assert status == 0, told
    assert told["role ANALYST_RO"]["verdict"] == "unseen"
    assert "--as" in told["role ANALYST_RO"]["hint"]
