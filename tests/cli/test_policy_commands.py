"""`snowgate policy` beyond deciding: doubts with their place, suites for CI, words for people, differences."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from policy.document import schema
from server.cli.main import app
from tests.house import tree

POLICY = """\
version: 1
defaults: {database: DB, schema: S}
roles:
  - {id: all, who: {groups: [analysts, stewards]}, read_role: READER, warehouse: WH}
  - {id: never, who: {groups: [analysts]}, read_role: READER, warehouse: WH}
public: [DB.S.T.ID, DB.S.GONE.ID]
classifications:
  - {name: email, columns: ["*.*.*.EMAIL"]}
  - {name: phone, columns: ["*.*.*.PHONE"]}
  - {name: unmasked, columns: [DB.S.T.ID]}
masks:
  - {classification: email, mask: {kind: email_domain}, unless: {groups: [stewards]}}
  - {classification: phone, mask: {kind: redact}, unless: {anyone: true}}
row_filters:
  - {id: eu, tables: [DB.S.T], where: "REGION = 'EU'", who: {groups: [analysts]}}
  - {id: lost, tables: [DB.S.GONE], where: "REGION = 'EU'"}
rules:
  - {id: reads, effect: permit, who: {groups: [analysts, stewards]}, verbs: [read], tables: ["DB.S.*"]}
  - {id: again, effect: permit, who: {groups: [analysts]}, verbs: [read], tables: [DB.S.T]}
  - {id: writes, effect: hold, who: {groups: [analysts]}, verbs: [write], tables: [DB.S.T]}
  - {id: gone, effect: permit, who: {groups: [analysts]}, verbs: [read], tables: [DB.X.T]}
  - {id: some, effect: permit, who: {groups: [others]}, verbs: [read], tables: [DB.X.T, DB.S.T]}
  - {id: constant, effect: forbid, who: {groups: [others]}, verbs: [read], tables: [DB.S.T], when: "1 == 2"}
  - {id: spares, effect: forbid, who: {groups: [others]}, verbs: [read], tables: [DB.S.T], unless: {anyone: true}}
  - {id: late, effect: hold, who: {groups: [stewards]}, verbs: [read], tables: [DB.S.T], when: "time.getHours() > 18"}
"""
CATALOG = {"DB": {"S": {"T": {"ID": "NUMBER(38,0)", "EMAIL": "VARCHAR", "REGION": "VARCHAR"}}}}
SUITE = """\
version: 1
policy: policy.yaml
catalog: catalog.json
principals:
  ada: {subject: ada, groups: [analysts]}
  stella: {subject: stella, groups: [stewards], claims: {level: 3, tags: [a]}}
tests:
  - name: reads are filtered
    principals: [ada]
    sql: SELECT email FROM t WHERE email <> ?
    parameters: [1]
    expect: {decision: permit, rules: [again, reads], masked: [DB.S.T.EMAIL], filtered: [eu]}
  - name: after hours a person looks
    principals: [stella]
    sql: SELECT id FROM t
    time: 2026-11-25T20:00:00Z
    session: {rows: 5}
    expect: {decision: hold, rules: [late]}
  - name: what is missing is pointed at
    principals: [ada, stella]
    sql: SELECT id FROM nowhere
    expect: {decision: deny, code: object_not_found, at: nowhere}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    contents = {
        "policy.yaml": POLICY,
        "catalog.json": json.dumps(CATALOG),
        "ada.json": '{"subject": "ada", "groups": ["analysts"]}',
        "stella.json": '{"subject": "stella", "groups": ["stewards"]}',
        "suite.yaml": SUITE,
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def policy(*arguments: object, sent: str | None = None) -> Result:
    return CliRunner().invoke(app, ["policy", *map(str, arguments)], input=sent)


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(POLICY.splitlines(), start=1) if text in line)


DOUBTS = {
    "unreachable_role": ("id: never", True),
    "classification_without_mask": ("name: unmasked", True),
    "constant_condition": ("id: constant", True),
    "shadowed_rule": ("id: again", True),
    "unused_pattern": ("public:", False),
    "unused_classification": ("name: phone", False),
    "unused_row_filter": ("id: lost", False),
}


@pytest.mark.parametrize("kind", DOUBTS)
def test_a_doubt_is_told_with_its_place(kind: str, folder: Path) -> None:
    written, needs_no_catalog = DOUBTS[kind]
    catalog = [] if needs_no_catalog else ["--catalog", folder / "catalog.json"]
    done = policy("check", folder / "policy.yaml", "--format", "json", *catalog)
    assert done.exit_code == 0, done.output
    found = [doubt for doubt in json.loads(done.stdout)["doubts"] if doubt["kind"] == kind]
    assert line_of(written) in [doubt["line"] for doubt in found]
    assert all(doubt["column"] > 0 for doubt in found)


def test_rules_that_never_match_are_told(folder: Path) -> None:
    done = policy("check", folder / "policy.yaml", "--format", "json", "--catalog", folder / "catalog.json")
    found = [d["line"] for d in json.loads(done.stdout)["doubts"] if d["kind"] == "never_matching_rule"]
    assert found == [line_of("id: writes"), line_of("id: gone"), line_of("id: spares")]


def test_masks_that_mask_nothing_are_told(folder: Path) -> None:
    for catalog, count in (([], 1), (["--catalog", folder / "catalog.json"], 2)):
        done = policy("check", folder / "policy.yaml", "--format", "json", *catalog)
        found = [d for d in json.loads(done.stdout)["doubts"] if d["kind"] == "unused_mask"]
        assert len(found) == count
        assert {doubt["line"] for doubt in found} == {line_of("classification: phone")}


def test_a_policy_of_nobody_and_rule_sets_have_their_doubts_too(folder: Path) -> None:
    bare = folder / "bare.yaml"
    bare.write_text(
        "version: 1\ninclude: [soc2-baseline]\nrules:\n"
        "  - {id: all, effect: forbid, who: {anyone: true}, verbs: [read, write], tables: ['*.*.*']}\n",
        encoding="utf-8",
    )
    told = json.loads(policy("check", bare, "--format", "json", "--catalog", folder / "catalog.json").stdout)["doubts"]
    assert {"never_matching_rule", "nobody_approves", "shadowed_rule"} == {doubt["kind"] for doubt in told}
    assert {2, 4} == {doubt["line"] for doubt in told}


def test_doubts_are_shown_as_compilers_show_them_and_fail_a_strict_check(folder: Path) -> None:
    done = policy("check", folder / "policy.yaml", "--strict")
    assert done.exit_code == 1
    assert f"{folder / 'policy.yaml'}:{line_of('id: again')}:5: shadowed_rule: the rule `again`" in done.stdout
    assert policy("check", tree.ROOT / "manifests/policies/sandbox.yaml", "--strict").exit_code == 0


def test_a_check_tells_what_each_group_can_reach(folder: Path) -> None:
    files = [folder / "policy.yaml", "--catalog", folder / "catalog.json", "--reach"]
    reached = {each["group"]: each for each in json.loads(policy("check", *files, "--format", "json").stdout)["reach"]}
    assert set(reached) == {"analysts", "stewards"}
    analysts, stewards = reached["analysts"], reached["stewards"]
    assert analysts["table"] == "DB.S.T"
    assert analysts["verbs"] == {"read": "permit", **dict.fromkeys(("insert", "update", "delete", "merge"), "hold")}
    assert analysts["row_filters"] == ["eu"]
    assert analysts["masked"] == {"ID": "null", "EMAIL": "email_domain", "REGION": "null"}
    assert stewards["verbs"] == {"read": "condition"}
    assert stewards["clear"] == ["EMAIL"]
    shown = policy("check", *files).stdout
    assert "EMAIL [email_domain]" in shown
    assert "rows of eu" in shown
    assert policy("check", folder / "policy.yaml", "--reach").exit_code == 2


def test_a_suite_that_holds_is_green(folder: Path) -> None:
    done = policy("test", folder / "suite.yaml")
    assert done.exit_code == 0, done.output
    assert "4 as expected, 0 not" in done.stdout


WRONG = [
    ("decision: hold", "decision: permit", "expected permit, got hold"),
    ("rules: [late]", "rules: [soon]", "expected rules ['soon'], got ['late']"),
    ("masked: [DB.S.T.EMAIL]", "masked: []", "expected masked [], got ['DB.S.T.EMAIL']"),
    ("filtered: [eu]", "filtered: []", "expected filtered [], got ['eu']"),
    ("code: object_not_found", "code: forbidden", "expected code forbidden, got object_not_found"),
    ("at: nowhere", "at: id", "expected the refusal at `id`, got `nowhere`"),
    ("decision: hold, rules: [late]", "decision: hold, at: t", "got no place"),
    ("parameters: [1]", "parameters: []", "got deny (bad_parameters"),
    ("time: 2026-11-25T20:00:00Z", "time: 2026-11-25T09:00:00Z", "got permit"),
]


@pytest.mark.parametrize(("given", "written", "complaint"), WRONG)
def test_what_is_not_as_expected_fails_the_suite_and_is_told(
    folder: Path, given: str, written: str, complaint: str
) -> None:
    assert given in SUITE
    (folder / "suite.yaml").write_text(SUITE.replace(given, written), encoding="utf-8")
    done = policy("test", folder / "suite.yaml")
    assert done.exit_code == 1
    assert complaint in done.stdout
    told = json.loads(policy("test", folder / "suite.yaml", "--format", "json").stdout)
    assert told["failed"] >= 1
    assert any(complaint in each for result in told["results"] for each in result["complaints"])


def test_results_can_be_read_by_ci_servers(folder: Path) -> None:
    other = folder / "other.yaml"
    other.write_text(SUITE.replace("decision: hold", "decision: permit").replace("hours a", 'hours <a> & "b"'))
    done = policy("test", folder / "suite.yaml", other, "--format", "junit")
    assert done.exit_code == 1
    root = ET.fromstring(done.stdout)  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures")) == ("8", "1")
    assert [suite.get("failures") for suite in root] == ["0", "1"]
    (failed,) = [case for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed.get("name") == 'after hours <a> & "b" person looks (stella)'


@pytest.mark.parametrize(
    ("given", "written", "said"),
    [
        ("principals: [ada]", "principals: [adda]", "did you mean `ada`?"),
        ("expect: {decision: hold", "expct: {decision: hold", "did you mean `expect`?"),
        ("20:00:00Z", "20:00:00", "offset"),
        ("policy: policy.yaml\n", "", "names no policy"),
        ("catalog: catalog.json", "catalog: {DB: 1}", "not an object"),
        ("policy: policy.yaml", "policy: {version: 1, rolls: []}", "did you mean `roles`?"),
        ("policy: policy.yaml", "policy: absent.yaml", "no policy can be read"),
        (SUITE, "[]", "not a mapping"),
        (SUITE, "\x00", "not YAML"),
    ],
)
def test_a_suite_that_cannot_be_run_is_an_error_and_not_a_failure(
    folder: Path, given: str, written: str, said: str
) -> None:
    (folder / "suite.yaml").write_text(SUITE.replace(given, written), encoding="utf-8")
    done = policy("test", folder / "suite.yaml")
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.output
    (folder / "suite.yaml").unlink()
    assert policy("test", folder / "suite.yaml").exit_code == 2


def test_the_files_given_by_hand_win_over_the_suites_own(folder: Path) -> None:
    files = ["--policy", tree.ROOT / "manifests/policies/bench.yaml", "--catalog", folder / "catalog.json"]
    assert policy("test", folder / "suite.yaml", *files).exit_code == 1


@pytest.mark.parametrize("suite", sorted((tree.ROOT / "manifests").rglob("*.test.yaml")), ids=tree.shown)
def test_the_suites_that_ship_are_green(suite: Path) -> None:
    done = policy("test", suite)
    assert done.exit_code == 0, done.output


EXPLAINED = {
    "SELECT email FROM t": ["Permitted.", "rule `reads`: permit read on DB.S.*", "classified `email`", "filter `eu`"],
    "SELECT region FROM t": ["DB.S.T.REGION is masked: null; classified by nothing, so it is secret"],
    "SELECT 1": ["Permitted.", "by the role `all`", "at most 1000 rows leave"],
    "SELECT x\nFROM t": ["^ line 1, column 8", "Denied (column_not_found)", "by no rule", "what to do"],
    "DROP TABLE t": ["Denied (not_permitted)", "names this verb"],
    "DROP VIEW t": ["Denied (statement_not_allowed)"],
    "": ["Denied (empty_statement)"],
}


@pytest.mark.parametrize("sql", EXPLAINED)
def test_a_decision_is_explained_in_words(folder: Path, sql: str) -> None:
    files = ["--policy", folder / "policy.yaml", "--catalog", folder / "catalog.json"]
    done = policy("explain", *files, "--principal", folder / "ada.json", sql)
    assert done.exit_code == 0, done.output
    for words in EXPLAINED[sql]:
        assert words in done.stdout
    held = policy("explain", *files, "--principal", folder / "stella.json", "SELECT id FROM t").stdout
    assert "Held: a person has to approve it first." in held
    assert "when time.getHours() > 18" in held


def test_two_policies_are_compared_over_statements_and_people(folder: Path) -> None:
    new = folder / "new.yaml"
    changed = POLICY.replace("stewards]}}\n  - {class", "analysts]}}\n  - {class").replace(
        "who: {groups: [analysts]}}\n  - {id: lost", "who: {groups: [stewards]}}\n  - {id: lost"
    )
    new.write_text(changed.replace("id: late, effect: hold", "id: late, effect: forbid"), encoding="utf-8")
    people = ["--principal", folder / "ada.json", "--principal", folder / "stella.json"]
    files = [folder / "policy.yaml", new, "--catalog", folder / "catalog.json", *people]
    asked = "".join(json.dumps({"id": n, "sql": s}) + "\n" for n, s in enumerate(["SELECT email FROM t", "SELECT 1"]))
    told = json.loads(policy("diff", *files, "--format", "json", sent=asked).stdout)
    assert told["compared"] == 4
    assert told["counts"] == {"hold->deny": 1, "less masked": 1, "less filtered": 1}
    assert told["changes"][0]["before"]["masked"] == ["DB.S.T.EMAIL"]
    assert "hold->deny: 1" in policy("diff", *files, sent=asked).stdout
    assert policy("diff", *files, "--forbid-opening", sent=asked).exit_code == 1
    same = [folder / "policy.yaml", *files[:1], *files[2:]]
    assert policy("diff", *same, "--forbid-opening", sent=asked).exit_code == 0
    assert policy("diff", *files, sent="nonsense\n").exit_code == 2


def test_the_published_schema_is_that_of_the_documents_that_are_read() -> None:
    published = json.loads((tree.ROOT / "manifests" / "policy.schema.json").read_text(encoding="utf-8"))
    assert published == schema() == json.loads(policy("schema").stdout)


def test_decide_takes_a_purpose_and_parameters_where_they_are_given(folder: Path) -> None:
    extra = (
        "  - {id: fun, effect: forbid, who: {anyone: true}, verbs: [read], tables: ['*.*.*'], when: purpose == 'fun'}\n"
    )
    (folder / "policy.yaml").write_text(POLICY + extra, encoding="utf-8")
    files = [
        "--policy",
        folder / "policy.yaml",
        "--catalog",
        folder / "catalog.json",
        "--principal",
        folder / "ada.json",
    ]
    sql = "SELECT id FROM t WHERE id = ?"
    lines = [
        {"id": "1", "sql": sql, "purpose": "audit", "parameters": [1]},
        {"id": "2", "sql": sql, "purpose": "fun", "parameters": [1]},
        {"id": "3", "sql": sql, "purpose": "audit", "parameters": []},
        {"id": "4", "sql": sql, "purpose": "audit"},
    ]
    done = policy("decide", *files, "--jsonl", sent="".join(json.dumps(line) + "\n" for line in lines))
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["decision"] for line in said] == ["permit", "deny", "deny", "permit"]
    assert said[2]["code"] == "bad_parameters"
    for bad in ({"id": "1", "sql": sql, "purpose": 1}, {"id": "1", "sql": sql, "parameters": "x"}, [1]):
        assert policy("decide", *files, "--jsonl", sent=json.dumps(bad)).exit_code == 2
