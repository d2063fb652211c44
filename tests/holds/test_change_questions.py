"""What a change of a whole table would do is asked with reads of it, and who may make one is decided before."""

import pytest

from policy.catalog import Catalog, Column, ForeignKey, Table, TableKind
from policy.catalog_document import from_document, to_document
from policy.catalog_json import catalog_json, read_catalog_json
from policy.decision import Deny, Hold
from policy.document import load
from policy.engine import Engine
from policy.names import TableName
from policy.principal import Principal, Subject
from policy.refusal import PolicyCode, PolicyRefusal
from policy.statement import SqlStatement, Verb
from policy.undo import prepared_undo, undo_command

VERBS = "[truncate, create, alter, drop, restore]"
ROLE = "  - {id: all, who: {groups: [people]}, read_role: R, write_role: W, warehouse: H}"
POLICY = f"""
version: 1
defaults: {{database: D, schema: S}}
roles:
{ROLE}
  - {{id: readers, who: {{groups: [readers]}}, read_role: R, warehouse: H}}
public: ["D.S.T.ID", "D.S.T.NOTE", "D.S.V.*", "D.S.CHILD.*"]
classifications: [{{name: email, columns: ["*.*.*.EMAIL"]}}]
masks: [{{classification: email, mask: {{kind: redact}}, unless: {{groups: [stewards]}}}}]
time_travel: ["D.S.*"]
rules:
  - {{id: open, effect: permit, who: {{anyone: true}}, verbs: [read, write, {VERBS[1:]}, tables: ["D.S.*"]}}
  - {{id: no-drop, effect: forbid, who: {{anyone: true}}, verbs: [drop], tables: [D.S.CHILD], message: "not this one"}}
  - {{id: never, effect: forbid, who: {{anyone: true}}, verbs: [truncate], tables: [D.S.CHILD]}}
  - {{id: when, effect: forbid, who: {{anyone: true}}, verbs: [alter], tables: [D.S.CHILD], when: "verb == 'alter'"}}
"""
T = TableName("D", "S", "T")
CATALOG = Catalog.of(
    [
        Table(T, tuple(Column(name, "VARCHAR") for name in ("NOTE", "ID", "EMAIL")), primary_key=("ID",)),
        Table(TableName("D", "S", "V"), (Column("ID", "VARCHAR"),), TableKind.VIEW, definition="SELECT id FROM d.s.t"),
        Table(
            TableName("D", "S", "CHILD"),
            (Column("TID", "VARCHAR"),),
            foreign_keys=(ForeignKey(("TID",), T, ("ID",)),),
            are_tags_known=False,
        ),
    ]
)
ENGINE = Engine(load(POLICY), CATALOG)
PUT_BACK = "CREATE OR REPLACE TABLE t CLONE t BEFORE (STATEMENT => '01b2c3d4-ff')"


def person(*groups: str) -> Principal:
    return Principal(Subject("ada"), "agent", "iss", frozenset(groups))


PEOPLE = person("people")


def understood(sql: str) -> SqlStatement:
    return ENGINE.understand(sql)


@pytest.mark.parametrize(
    ("sql", "verbs", "shows"),
    [
        ("TRUNCATE TABLE t", [Verb.DELETE], True),
        ("DROP TABLE t", [Verb.DELETE], True),
        ("ALTER TABLE t DROP COLUMN note", [Verb.ALTER], False),
        (PUT_BACK, [Verb.DELETE, Verb.INSERT], True),
        ("CREATE TABLE n (a DATE)", [], False),
        ("ALTER TABLE t ADD COLUMN n DATE", [], False),
        ("UNDROP TABLE gone", [], False),
    ],
)
def test_the_rows_that_go_and_come_are_counted_and_some_are_shown(sql: str, verbs: list[Verb], shows: bool) -> None:
    questions = ENGINE.questions(PEOPLE, understood(sql), sql)
    assert questions.counts is not None
    assert [each.verbs for each in questions.counts] == [(verb,) for verb in verbs]
    assert all("COUNT(" in each.sql for each in questions.counts)
    assert (questions.sample is not None) is shows
    if questions.sample is not None:
        assert [cell.label for cell in questions.sample.cells] == ["ID", "NOTE", "EMAIL"]
        assert "'***'" in questions.sample.sql


def test_what_is_not_there_or_cannot_be_read_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ENGINE.questions(PEOPLE, understood("DROP TABLE gone"), "").counts is None

    def refused(_: str) -> SqlStatement:
        raise PolicyRefusal(PolicyCode.SYNTAX_ERROR, "no", "no")

    statement = understood("TRUNCATE TABLE t")
    real, counts = ENGINE.understand, understood("SELECT COUNT(*) AS n FROM t")
    monkeypatch.setattr(ENGINE, "understand", refused)
    assert ENGINE.questions(PEOPLE, statement, "").counts is None
    monkeypatch.setattr(ENGINE, "understand", lambda sql: counts if "COUNT" in sql else refused(sql))
    questions = ENGINE.questions(PEOPLE, statement, "")
    assert (len(questions.counts or ()), questions.sample) == (1, None)
    monkeypatch.setattr(ENGINE, "understand", real)


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("DROP TABLE t", ("D.S.CHILD", "D.S.V")),
        ("ALTER TABLE t DROP COLUMN note", ("D.S.CHILD", "D.S.V")),
        ("TRUNCATE TABLE t", ()),
        ("ALTER TABLE t ADD COLUMN n DATE", ()),
    ],
)
def test_what_names_a_table_that_goes_is_told(sql: str, broken: tuple[str, ...]) -> None:
    assert ENGINE.breaks(PEOPLE, understood(sql)) == broken


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("UPDATE t SET email = 'a' WHERE id = 1", ("EMAIL",)),
        ("UPDATE t SET note = 'a' WHERE id = 1", ()),
        ("MERGE INTO t USING child c ON t.id = c.tid WHEN MATCHED THEN UPDATE SET email = c.tid", ("EMAIL",)),
        ("MERGE INTO t USING child c ON t.id = c.tid WHEN NOT MATCHED THEN INSERT VALUES (c.tid, NULL, NULL)", ()),
        ("INSERT INTO t (id, email) VALUES (1, 'a')", ()),
        ("SELECT email FROM t", ()),
        ("UPDATE gone SET a = 1", ()),
    ],
)
def test_masked_values_that_a_write_replaces_are_told(sql: str, columns: tuple[str, ...]) -> None:
    assert ENGINE.overwrites(PEOPLE, understood(sql)) == columns
    assert ENGINE.overwrites(person("people", "stewards"), understood(sql)) == ()


@pytest.mark.parametrize(
    ("sql", "groups", "code"),
    [
        ("DROP TABLE t", ("people",), None),
        ("DROP TABLE t", (), PolicyCode.NOT_PERMITTED),
        ("DROP TABLE t", ("readers",), PolicyCode.NOT_PERMITTED),
        ("DROP TABLE child", ("people",), PolicyCode.FORBIDDEN),
        ("TRUNCATE TABLE child", ("people",), PolicyCode.FORBIDDEN),
        ("ALTER TABLE child DROP COLUMN tid", ("people",), PolicyCode.FORBIDDEN),
        ("DROP TABLE v", ("people",), PolicyCode.NOT_PERMITTED),
        ("ALTER TABLE t ADD COLUMN note DATE", ("people",), PolicyCode.NOT_PERMITTED),
        ("ALTER TABLE t DROP COLUMN nosuch", ("people",), PolicyCode.COLUMN_NOT_FOUND),
        ("ALTER TABLE t DROP COLUMN email", ("people",), PolicyCode.NOT_PERMITTED),
        ("DROP TABLE gone", ("people",), PolicyCode.OBJECT_NOT_FOUND),
        ("DROP TABLE x.y.z", ("people",), PolicyCode.OBJECT_NOT_FOUND),
    ],
)
def test_a_change_is_held_or_refused_with_its_reason(
    sql: str, groups: tuple[str, ...], code: PolicyCode | None
) -> None:
    decision = ENGINE.decide(person(*groups), understood(sql))
    assert (decision.code if isinstance(decision, Deny) else None) is code
    assert isinstance(decision, Hold) is (code is None)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE OR REPLACE TABLE t CLONE people BEFORE (STATEMENT => '01b2c3d4-ff')",
        "CREATE OR REPLACE TABLE t CLONE t BEFORE (STATEMENT => 5)",
        "CREATE OR REPLACE TABLE t CLONE t BEFORE (STATEMENT => 'a b')",
        "CREATE OR REPLACE TABLE t CLONE t BEFORE (STATEMENT =>",
        "CREATE OR REPLACE TABLE t CLONE t AT (OFFSET => 5)",
        "CREATE OR REPLACE TABLE t CLONE t AT (TIMESTAMP => 'yesterday'::TIMESTAMP_TZ)",
        "CREATE OR REPLACE TABLE t CLONE t BEFORE (STATEMENT => '01b2c3d4-ff') COPY",
        "CREATE OR REPLACE TABLE t CLONE t AT (TIMESTAMP => '2026-01-31 12:00:00'::DATE)",
        "CREATE TABLE t",
        "CREATE TABLE t (a DATE, a DATE)",
        "CREATE TABLE t (a NOSUCH)",
        "CREATE TABLE t (a NUMBER(x))",
        "CREATE TABLE t (a DATE",
        "CREATE VIEW t (a DATE)",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE t ADD COLUMN __gw_a DATE",
        "ALTER TABLE t ADD COLUMN",
        "DROP TABLE",
        "DROP SCHEMA s",
        "UNDROP SCHEMA s",
    ],
)
def test_what_is_not_in_the_grammar_is_refused(sql: str) -> None:
    with pytest.raises(PolicyRefusal) as refused:
        understood(sql)
    assert refused.value.code is PolicyCode.STATEMENT_NOT_ALLOWED


def test_numbers_of_a_type_and_what_may_be_left_out_are_read() -> None:
    at = "CREATE OR REPLACE TABLE t CLONE t AT (TIMESTAMP => '2026-01-31 12:00:00.123 +0000'::TIMESTAMP_TZ)"
    for sql in ("CREATE TABLE n (a NUMBER(10, 2) NOT NULL, b VARCHAR(5));", f"{PUT_BACK} COPY GRANTS", at):
        assert isinstance(ENGINE.decide(PEOPLE, understood(sql)), Hold)
    assert understood("TRUNCATE t").digest == understood("TRUNCATE TABLE IF EXISTS d.s.t").digest


@pytest.mark.parametrize(
    ("sql", "undo"),
    [
        ("TRUNCATE TABLE t", "CREATE OR REPLACE TABLE"),
        ("ALTER TABLE t DROP COLUMN note", "CREATE OR REPLACE TABLE"),
        ("ALTER TABLE t ADD COLUMN n DATE", "ALTER TABLE"),
        ("CREATE TABLE n (a DATE)", "DROP TABLE"),
        ("UNDROP TABLE gone", "DROP TABLE"),
        ("DROP TABLE t", "UNDROP TABLE"),
        (PUT_BACK, None),
    ],
)
def test_a_change_is_taken_back_by_its_opposite_which_is_held_as_well(sql: str, undo: str | None) -> None:
    statement = understood(sql)
    assert statement.change is not None
    assert statement.target is not None
    by_id = undo_command(statement.target, "01b2c3d4-ff", statement.change)
    by_time = prepared_undo(statement.target, statement.change, "2026-01-31 12:00:00.123 +0000")
    for command in (by_id, by_time):
        assert (command is None) is (undo is None)
        if undo is not None and command is not None:
            assert command.startswith(undo)
            assert understood(command).target == statement.target


def test_a_short_name_without_defaults_is_of_no_table() -> None:
    engine = Engine(load(POLICY.replace("defaults: {database: D, schema: S}\n", "")), CATALOG)
    with pytest.raises(PolicyRefusal) as refused:
        engine.understand("DROP TABLE t")
    assert refused.value.code is PolicyCode.OBJECT_NOT_FOUND


def test_a_catalog_is_written_and_read_back_whole() -> None:
    assert read_catalog_json(catalog_json(CATALOG)).digest == CATALOG.digest
    assert from_document(to_document(CATALOG)).digest == CATALOG.digest
    for wrong in (b"[{}]", b"[[]]", b"{", b"\xff"):
        with pytest.raises(ValueError):  # noqa: PT011 - no matter which one
            read_catalog_json(wrong)
