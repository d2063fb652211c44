"""The SQL that sets Snowflake up gives no more than is needed, can be run again, and is the one that is published."""

import re

import pytest
from typer.testing import CliRunner

from server.bootstrap import BROKERS, Wanted, bootstrap
from server.brokers.signing import public_key_of
from server.cli.main import app
from server.config import BrokerName
from server.sandbox.run import Sandbox
from tools.manifest import MANIFESTS

PUBLISHED = MANIFESTS / "snowflake"

WANTED = {
    "databases": ("CRM",), "read_role": "R", "write_role": None, "catalog_role": "C", "catalog_user": "CU",
    "broker_role": "B", "broker_user": "BU", "warehouse": "W", "people": ("ADA",), "addresses": ("192.0.2.1/32",),
    "issuer": "https://gate/", "audience": "https://snow", "public_key": "MII",
}  # fmt: skip


def text_of(broker: BrokerName, **changes: object) -> str:
    return bootstrap(Wanted(broker=broker, **{**WANTED, **changes}))  # type: ignore[arg-type]  # a table of a test


def statements(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("--")]


@pytest.mark.parametrize("broker", BROKERS)
def test_what_the_command_prints_is_what_is_published(broker: BrokerName) -> None:
    printed = CliRunner().invoke(app, ["snowflake", "setup", "--broker", broker])
    assert printed.exit_code == 0
    assert printed.stdout == (PUBLISHED / f"{broker}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("broker", BROKERS)
def test_every_statement_can_be_run_again(broker: BrokerName) -> None:
    for statement in statements(text_of(broker)):
        assert statement.endswith(";")
        assert re.match(r"CREATE [A-Z ]*IF NOT EXISTS |ALTER |GRANT ", statement), statement


@pytest.mark.parametrize("broker", BROKERS)
def test_a_role_of_reads_gets_no_privilege_that_changes_anything(broker: BrokerName) -> None:
    given = [s for s in statements(text_of(broker)) if s.startswith("GRANT ") and s.endswith('TO ROLE "R";')]
    assert given
    for statement in given:
        assert re.match(r"GRANT (SELECT|USAGE) ON ", statement), statement


@pytest.mark.parametrize("broker", BROKERS)
def test_nothing_gives_an_administrators_role_or_every_privilege(broker: BrokerName) -> None:
    given = text_of(broker, write_role="RW").upper()
    for word in ("ALL PRIVILEGES", "MANAGE GRANTS", "SECURITYADMIN", "USERADMIN", "SYSADMIN", "ORGADMIN"):
        assert word not in given
    assert all("ACCOUNTADMIN" not in line for line in given.splitlines()[1:])


def test_only_without_a_role_that_writes_are_sessions_read_only_by_policy() -> None:
    assert "SNOWFLAKE$DATA_READ" in text_of("external_oauth")
    assert "SNOWFLAKE$DATA_READ" not in text_of("external_oauth", write_role="RW")


def test_names_and_texts_cannot_break_out() -> None:
    text = text_of("external_oauth", databases=('A"; DROP DATABASE B; --',), issuer="x' y", people=('E"VE',))
    assert '"A""; DROP DATABASE B; --"' in text
    assert "'x'' y'" in text
    assert '"E""VE"' in text


def test_the_public_half_of_a_key_is_what_is_printed(sandbox: Sandbox) -> None:
    key_file = sandbox.state.lease_key_file
    printed = CliRunner().invoke(app, ["snowflake", "setup", "--key-file", str(key_file)]).stdout
    assert public_key_of(key_file) in printed
    assert "PRIVATE" not in printed


def test_an_unknown_broker_is_one_clean_error() -> None:
    said = CliRunner().invoke(app, ["snowflake", "setup", "--broker", "password"])
    assert said.exit_code == 2
    assert "there is no broker" in said.stderr
