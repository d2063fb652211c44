"""What Snowflake says of columns becomes the beginning of a policy that shows none of them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policy.catalog import Catalog, Column, Table
from policy.catalog_document import from_document, to_document
from policy.document import load
from policy.engine import Engine
from policy.importing import document_of, imported
from policy.names import TableName
from policy.principal import Principal, Subject
from policy.report import judge
from server.cli.main import app
from tests.support.clients import Gate

PII = ("GOV.TAGS.PII", "GOV.TAGS.PII=email", "PII", "PII=email")
OTHER = ("HR.TAGS.PII", "PII")
CATALOG = Catalog.of(
    [
        Table(
            TableName("D", "S", "T"),
            (
                Column("MAIL", "VARCHAR", tags=PII),
                Column("PAY", "NUMBER(9,2)", tags=OTHER),
                Column("BADGE", "VARCHAR", native_policies=("G.P.MASK",)),
                Column("PLAIN", "VARCHAR", tags=("odd tag!",)),
            ),
        ),
        *(Table(TableName("D", "S", f"U{n}"), (Column("MAIL", "VARCHAR", tags=PII),)) for n in range(7)),
    ]
)
HEAD = """
version: 1
roles: [{id: all, who: {anyone: true}, read_role: R, warehouse: W}]
public: ["D.S.*.*"]
rules: [{id: reads, effect: permit, who: {anyone: true}, verbs: [read], tables: ["D.S.*"]}]
"""
ADA = Principal(Subject("ada"), "agent", "iss")


def test_each_tag_becomes_a_classification_of_its_own_that_hides() -> None:
    found = imported(CATALOG)
    assert [(each.name, each.tag) for each in found.proposed] == [
        ("pii", "GOV.TAGS.PII"), ("tags_pii", "HR.TAGS.PII"), ("odd_tag", "odd tag!"),
    ]  # fmt: skip
    policy = load(HEAD + document_of(found))
    told = judge(Engine(policy, CATALOG), ADA, "SELECT mail, pay, plain FROM d.s.t", "")
    assert set(told["masked"]) == {"D.S.T.MAIL", "D.S.T.PAY", "D.S.T.PLAIN"}


def test_what_a_policy_has_already_is_left_out() -> None:
    policy = load(HEAD + "classifications: [{name: pii, tags: [gov.tags.pii]}, {name: tags_pii, tags: [x]}]\n")
    assert [each.name for each in imported(CATALOG, policy).proposed] == ["hr_tags_pii", "odd_tag"]
    everything = load(HEAD + "classifications: [{name: a, tags: [pii]}, {name: b, tags: ['odd tag!']}]\n")
    assert imported(CATALOG, everything).proposed == ()
    assert "classifications: []" in document_of(imported(CATALOG, everything))


def test_many_columns_are_counted_and_policies_of_snowflakes_own_are_named() -> None:
    text = document_of(imported(CATALOG))
    assert "# 8 columns: " in text
    assert "and 3 more" in text
    assert "#   G.P.MASK: D.S.T.BADGE" in text
    assert "stay in force" not in document_of(imported(Catalog.of([])))


def test_names_are_found_however_many_are_taken() -> None:
    taken = ["pii", "tags_pii", "gov_tags_pii", "gov_tags_pii_2"]
    known = ", ".join(f"{{name: {name}, tags: [none]}}" for name in taken)
    assert imported(CATALOG, load(f"{HEAD}classifications: [{known}]\n")).proposed[0].name == "gov_tags_pii_3"


@pytest.mark.parametrize("with_policy", [True, False])
def test_the_command_prints_it(tmp_path: Path, with_policy: bool) -> None:
    catalog, policy = tmp_path / "catalog.json", tmp_path / "policy.yaml"
    catalog.write_text(json.dumps(to_document(CATALOG)), encoding="utf-8")
    policy.write_text(HEAD, encoding="utf-8")
    more = ["--policy", str(policy)] if with_policy else []
    done = CliRunner().invoke(app, ["policy", "import-tags", "--catalog", str(catalog), *more])
    assert done.exit_code == 0
    assert load(HEAD + done.stdout).classifications[0].name == "pii"


def test_the_catalog_that_it_needs_is_printed_as_the_gate_reads_it(gate: Gate) -> None:
    done = CliRunner().invoke(app, ["snowflake", "catalog", "--env-file", str(gate.sandbox.state.env_file)])
    assert done.exit_code == 0, done.output
    found = from_document(json.loads(done.stdout))
    customers = found.tables[TableName("CRM", "PUBLIC", "CUSTOMERS")]
    assert [column.name for column in customers.columns][:3] == ["CUSTOMER_ID", "FULL_NAME", "EMAIL"]
