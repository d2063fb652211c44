"""`snowgate policy`: a contract that other programs rest on, and errors that lead to the mistake."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.cli.main import app

POLICY = """\
version: 1
defaults: {database: DB, schema: S}
limits: {rows_max: 10, statement_timeout_s: 60}
roles:
  - {id: all, who: {groups: [analysts]}, read_role: READER, write_role: WRITER, warehouse: WH}
public: ["DB.S.*.*"]
classifications:
  - {name: email, columns: ["*.*.*.EMAIL"]}
rules:
  - {id: reads, effect: permit, who: {groups: [analysts]}, verbs: [read], tables: ["DB.S.*"]}
  - {id: writes, effect: hold, who: {groups: [analysts]}, verbs: [write], tables: ["DB.S.T"]}
"""
CATALOG = {"DB": {"S": {"T": {"ID": "NUMBER(38,0)", "EMAIL": "VARCHAR"}}}}
PRINCIPAL = {"subject": "ada", "groups": ["analysts"]}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    contents = {"policy": POLICY, "catalog": json.dumps(CATALOG), "principal": json.dumps(PRINCIPAL)}
    paths = {name: tmp_path / name for name in contents}
    for name, path in paths.items():
        path.write_text(contents[name], encoding="utf-8")
    return paths


def decide(files: dict[str, Path], *lines: object, raw: str | None = None) -> tuple[int, list[dict[str, Any]], str]:
    options = [f"--{name}={path}" for name, path in files.items()]
    sent = raw if raw is not None else "".join(json.dumps(line) + "\n" for line in lines)
    done = CliRunner().invoke(app, ["policy", "decide", *options, "--jsonl"], input=sent)
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done.exit_code, said, done.stderr


def test_each_line_is_answered_by_one_line_with_the_keys_of_the_contract(files: dict[str, Path]) -> None:
    asked = ["SELECT * FROM t", "DELETE FROM t WHERE id = 1", "SELECT * FROM nowhere", "DROP TABLE t", "", "SELECT ("]
    code, said, _ = decide(files, *({"id": str(n), "sql": sql} for n, sql in enumerate(asked)))
    assert code == 0
    assert [line["id"] for line in said] == ["0", "1", "2", "3", "4", "5"]
    assert [line["decision"] for line in said] == ["permit", "hold", "deny", "deny", "deny", "deny"]
    for line in said:
        assert set(line) == {"id", "decision", "code", "message", "rules", "sql", "masked"}
        assert (line["sql"] is None) == (line["decision"] == "deny")
        assert (line["code"] is None) == (line["decision"] != "deny")
    assert said[0]["masked"] == ["DB.S.T.EMAIL"]
    assert said[0]["rules"] == ["reads"]
    assert '"DB"."S"."T"' in said[0]["sql"]


def test_one_statement_can_be_decided_by_itself(files: dict[str, Path]) -> None:
    options = [f"--{name}={path}" for name, path in files.items()]
    done = CliRunner().invoke(app, ["policy", "decide", *options, "SELECT id FROM t"])
    assert json.loads(done.stdout)["decision"] == "permit"


def test_a_line_that_is_no_question_stops_with_its_number(files: dict[str, Path]) -> None:
    code, said, error = decide(files, raw='{"id": "1", "sql": "SELECT 1"}\nnot json\n')
    assert code == 2
    assert len(said) == 1
    assert "line 2" in error


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("public:", "pubic:"), 6, "public"),
        (("effect: permit", "effect: allow"), 10, "permit"),
        (("verbs: [read]", "verbs: [reads]"), 10, "read"),
        (("version: 1", "version: 2"), 1, ""),
        (("{id: reads", "{id: writes"), 10, ""),
        (('tables: ["DB.S.*"]', 'tables: ["DB.S"]'), 10, ""),
        (("groups: [analysts]}, read_role", "}, read_role"), 5, ""),
        (("limits: {rows_max: 10", "limits: {rows_max: 0"), 3, ""),
        (("roles:", "roles: ["), 5, ""),
        (("version: 1", "version: 1\nversion: 1"), 2, ""),
    ],
)
def test_a_malformed_policy_is_met_with_line_and_column_and_the_right_word(
    files: dict[str, Path], change: tuple[str, str], line: int, said: str
) -> None:
    files["policy"].write_text(POLICY.replace(*change, 1), encoding="utf-8")
    done = CliRunner().invoke(app, ["policy", "check", str(files["policy"])])
    assert done.exit_code == 2
    assert f"{line}:" in done.stderr or f"line {line}" in done.stderr, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", ["", "[]", "{", "null", "\x00", "a: &x [*x]", "!!python/object:os.system {}"])
def test_what_is_no_policy_at_all_is_refused_cleanly(files: dict[str, Path], content: str) -> None:
    files["policy"].write_text(content, encoding="utf-8")
    done = CliRunner().invoke(app, ["policy", "check", str(files["policy"])])
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("name", ["catalog", "principal", "policy"])
@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b"\xff\xfe", None])
def test_each_file_is_read_or_refused_cleanly(files: dict[str, Path], name: str, content: bytes | None) -> None:
    if content is None:
        files[name].unlink()
    else:
        files[name].write_bytes(content)
    code, said, error = decide(files, {"id": "1", "sql": "SELECT 1"})
    assert code == 2
    assert said == []
    assert error
    assert "Traceback" not in error


def test_a_good_policy_is_ok(files: dict[str, Path]) -> None:
    done = CliRunner().invoke(app, ["policy", "check", str(files["policy"])])
    assert done.exit_code == 0
    assert "ok" in done.stdout
