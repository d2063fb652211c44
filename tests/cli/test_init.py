"""`snowgate init` writes a policy that opens no value, that nobody doubts, and that says what it could not know."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policy.catalog import Catalog, Column, Table, TableKind
from policy.catalog_document import to_document
from policy.checking import findings
from policy.document import load
from policy.drafting import PROPOSED_MAX, Draft, Wishes, draft
from policy.engine import Engine
from policy.names import TableName
from policy.personal_names import KINDS, kind_of
from policy.principal import Principal, Subject
from policy.reach import reach
from policy.report import judge
from server.cli.main import app
from tests.support.clients import Gate

WISHES = Wishes(("analysts",), "ANALYST_RO", "GATE_WH", (("D", "S"),))
ADA = Principal(Subject("ada"), "agent", "iss", groups=frozenset({"analysts"}))
HOSTILE = 'x"\n public: ["*.*.*.*"]\n# \u2028 - {'


def table(name: str, *columns: Column, schema: str = "S") -> Table:
    return Table(TableName("D", schema, name), columns)


CATALOG = Catalog.of(
    [
        table(
            "PEOPLE", Column("ID", "NUMBER(38,0)"), Column("EMAIL", "VARCHAR"), Column("firstName", "VARCHAR"),
            Column("EXTRA", "VARIANT"), Column("PAY", "NUMBER(9,2)", tags=("GOV.TAGS.PII", "PII")),
            Column("BADGE", "VARCHAR", native_policies=("GOV.P.MASK",)),
        ),
        table("T", Column("A", "NUMBER(38,0)"), schema="OTHER"),
        Table(TableName("D", "S", "V"), (Column("A", "NUMBER(38,0)"),), TableKind.VIEW, is_secure=True),
        Table(TableName("D", "S", "R"), (Column("A", "NUMBER(38,0)"),), native_policies=("GOV.P.ROWS",)),
        table(HOSTILE, Column(HOSTILE, "NUMBER(38,0)"), Column(f"{HOSTILE}EMAIL", "VARCHAR", tags=(HOSTILE,))),
    ]
)  # fmt: skip


def drafted(catalog: Catalog = CATALOG, wishes: Wishes = WISHES) -> Draft:
    return draft(catalog, wishes)


def test_a_draft_opens_no_value_to_anybody_and_nobody_doubts_it() -> None:
    policy = load(drafted().text)
    assert list(findings(policy, CATALOG)) == []
    reached = list(reach(Engine(policy, CATALOG)))
    assert {each.group for each in reached} >= {"analysts"}
    assert [each.clear for each in reached if each.clear] == []


def test_only_the_schemas_that_were_asked_for_may_be_read() -> None:
    engine = Engine(load(drafted().text), CATALOG)
    assert judge(engine, ADA, "SELECT id, email FROM d.s.people", "1")["decision"] == "permit"
    assert judge(engine, ADA, "SELECT a FROM d.other.t", "2")["decision"] == "deny"
    nowhere = Engine(load(drafted(wishes=Wishes(("analysts",), "R", "W")).text), CATALOG)
    assert judge(nowhere, ADA, "SELECT id FROM d.s.people", "3")["decision"] == "deny"


def test_what_is_called_like_personal_data_stays_hidden_though_a_wildcard_opens_its_table() -> None:
    text = drafted().text.replace("  []\n", '  - "D.S.PEOPLE.*"\n')
    told = judge(Engine(load(text), CATALOG), ADA, 'SELECT id, email, "firstName", pay FROM d.s.people', "1")
    assert set(told["masked"]) == {"D.S.PEOPLE.EMAIL", 'D.S.PEOPLE."firstName"', "D.S.PEOPLE.PAY"}


def test_every_proposal_can_be_uncommented() -> None:
    lines = drafted().text.splitlines()
    opened = [line.replace("  # - ", "  - ") for line in lines if line != "  []"]
    policy = load("\n".join(opened))
    assert list(findings(policy, CATALOG)) == []
    assert {pattern.written for pattern in policy.public} >= {"D.S.PEOPLE.ID", "D.OTHER.T.A"}
    assert not any("EMAIL" in p.written or "EXTRA" in p.written or "BADGE" in p.written for p in policy.public)


def test_no_name_in_the_account_can_write_into_the_policy() -> None:
    plain = Catalog.of([each for each in CATALOG.tables.values() if each.name.name != HOSTILE])
    hostile, policy = load(drafted().text), load(drafted(plain).text)
    assert hostile.public == policy.public == ()
    assert hostile.rules == policy.rules
    new = {each.name for each in hostile.classifications} - {each.name for each in policy.classifications}
    assert len(new) == 1
    assert all(line.isprintable() for line in drafted().text.split("\n"))


def test_what_could_not_be_known_is_said_in_the_policy() -> None:
    head = drafted().text.partition("version: 1")[0]
    assert [each in head for each in drafted().unknown] == [True] * len(drafted().unknown)
    for each in ("D.S.PEOPLE.EXTRA", "D.S.V", "D.S.R", "two hours", "groups", "SNOWGATE_DATABASES"):
        assert each in head, each
    untagged = drafted(Catalog.of([table("T", Column("A", "NUMBER(38,0)"))]))
    assert "none were read" in untagged.unknown[0]
    assert "GOV.P.MASK: D.S.PEOPLE.BADGE" in drafted().text


def test_proposals_are_bounded_and_an_empty_account_gets_a_policy_too() -> None:
    many = Catalog.of([table("T", *(Column(f"C{n}", "NUMBER(38,0)") for n in range(PROPOSED_MAX + 7)))])
    assert drafted(many).text.count("  # - ") == PROPOSED_MAX
    assert "# and 7 more" in drafted(many).text
    assert load(drafted(Catalog.of([])).text).rules == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_knows_the_names_that_its_patterns_are_made_of(kind: str) -> None:
    for pattern in KINDS[kind]:
        name = pattern.replace("*", "")
        assert kind_of(name.lower()) is not None, name
    assert kind_of("QUANTITY") is None


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["init", "--group", "analysts", *arguments], env={"COLUMNS": "200"})
    return done.exit_code, done.output


def test_the_sandboxs_account_gets_a_policy_that_passes_every_check(gate: Gate, tmp_path: Path) -> None:
    env_file = str(gate.sandbox.state.env_file)
    first, second, catalog = tmp_path / "first.yaml", tmp_path / "second.yaml", tmp_path / "catalog.json"
    options = ["--env-file", env_file, "--schema", "crm.public", "--read-role", "ANALYST_RO", "--warehouse", "GATE_WH"]
    for path in (first, second):
        status, said = run(*options, "--output", str(path))
        assert status == 0, said
        assert "What could not be known" in said
    assert first.read_bytes() == second.read_bytes()
    assert 'name: "person-name"' in first.read_text()
    seen = CliRunner().invoke(app, ["snowflake", "catalog", "--env-file", env_file])
    catalog.write_text(seen.stdout)
    checked = CliRunner().invoke(app, ["policy", "check", str(first), "--catalog", str(catalog), "--strict"])
    assert checked.exit_code == 0, checked.output
    status, said = run(*options, "--output", str(first))
    assert (status, "bad_settings" in said) == (2, True)


def test_a_role_that_may_not_read_tags_gets_a_policy_that_says_so(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNOWGATE_SNOWFLAKE_CATALOG_USER", "ADA")
    monkeypatch.setenv("SNOWGATE_SNOWFLAKE_CATALOG_ROLE", "ANALYST_RO")
    path = tmp_path / "policy.yaml"
    status, said = run("--env-file", str(gate.sandbox.state.env_file), "--output", str(path))
    assert status == 0, said
    assert "none were read" in said
    assert load(path.read_text()).rules


@pytest.mark.parametrize("schema", ["D", "D.NOWHERE", "D..S"])
def test_a_schema_that_is_not_there_is_an_error(tmp_path: Path, schema: str) -> None:
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(to_document(CATALOG)), encoding="utf-8")
    status, said = run("--catalog", str(catalog), "--output", str(tmp_path / "p.yaml"), "--schema", schema)
    assert (status, "bad_settings" in said) == (2, True)
    assert not (tmp_path / "p.yaml").exists()
