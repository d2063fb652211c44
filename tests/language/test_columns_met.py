"""Rules that ask for columns or classifications meet whatever changes them, named or not, known or not."""

from dataclasses import replace

import pytest

from policy.catalog import Catalog, Column, Table
from policy.document import load
from policy.engine import Engine
from policy.names import TableName
from tests.language.worlds import HEAD, PERMITS, catalog, decide, engine, kind, person

CHANGES = "[truncate, create, alter, drop, restore]"
OPENED = PERMITS + f'  - {{id: changes, effect: permit, who: {{anyone: true}}, verbs: {CHANGES}, tables: ["D.S.*"]}}\n'
STEWARD = person("stewards")
PUT_BACK = "CREATE OR REPLACE TABLE {0} CLONE {0} BEFORE (STATEMENT => '01b2-ff')"
TAGGED = HEAD.replace("classifications:\n", "classifications:\n  - {name: secret, tags: [GOV.TAGS.SECRET]}\n")


def under(when: str, effect: str = "forbid", head: str = HEAD, tables: Catalog | None = None) -> Engine:
    verbs = f"[read, write, {CHANGES[1:]}"
    rule = (
        f'  - {{id: r, effect: {effect}, who: {{anyone: true}}, verbs: {verbs}, tables: ["D.S.*"], when: "{when}"}}\n'
    )
    made = engine((OPENED if effect != "permit" else "") + rule, head)
    return made if tables is None else Engine(made.policy, tables)


@pytest.mark.parametrize(
    ("sql", "meets_email"),
    [
        ("TRUNCATE TABLE people", True),
        ("DROP TABLE people", True),
        ("ALTER TABLE people DROP COLUMN email", True),
        ("ALTER TABLE people DROP COLUMN region", False),
        ("ALTER TABLE notes ADD COLUMN email VARCHAR", True),
        ("ALTER TABLE notes ADD COLUMN phone VARCHAR", False),
        ("CREATE TABLE fresh (id NUMBER, email VARCHAR)", True),
        ("CREATE TABLE fresh (id NUMBER)", False),
        ("UNDROP TABLE people", True),
        ("UNDROP TABLE gone", True),
        (PUT_BACK.format("notes"), True),
        ("TRUNCATE TABLE notes", False),
        ("DROP TABLE notes", False),
        ("DELETE FROM people WHERE id = 1", True),
        ("DELETE FROM notes WHERE nid = 1", False),
        ("MERGE INTO people p USING orders o ON p.id = o.oid WHEN MATCHED THEN DELETE", True),
        ("MERGE INTO people p USING orders o ON p.id = o.oid WHEN MATCHED THEN UPDATE SET region = 'x'", False),
    ],
)
@pytest.mark.parametrize("when", ["size(columns['email']) > 0", "size(clear['email']) > 0", "classified_tables != []"])
def test_what_changes_a_table_meets_the_rules_of_its_columns(sql: str, meets_email: bool, when: str) -> None:
    assert kind(decide(engine(OPENED), sql, STEWARD)) != "deny"
    assert (kind(decide(under(when), sql, STEWARD)) == "deny") is meets_email


@pytest.mark.parametrize("table", ["gone", "people"])
@pytest.mark.parametrize("sql", ["UNDROP TABLE {0}", PUT_BACK])
def test_what_comes_back_is_never_known_to_be_without_a_class(sql: str, table: str) -> None:
    if table == "gone" and sql != "UNDROP TABLE {0}":
        return  # what is not there cannot be put back
    text = sql.format(table)
    assert kind(decide(under("size(columns['email']) == 0", "permit"), text, STEWARD)) == "deny"
    assert kind(decide(under("size(columns['email']) == 0"), text, STEWARD)) == "deny"
    assert kind(decide(under(f"target == 'D.S.{table.upper()}'", "permit"), text, STEWARD)) == "hold"
    assert kind(decide(under(f"'D.S.{table.upper()}' in tables", "permit"), text, STEWARD)) == "hold"


def _notes(*tags: tuple[str, ...], are_tags_known: bool = True) -> Catalog:
    notes = catalog().tables[TableName("D", "S", "NOTES")]
    columns = tuple(replace(column, tags=each) for column, each in zip(notes.columns, tags, strict=True))
    return catalog().updated(
        replace(table, columns=columns, are_tags_known=are_tags_known) if table.name == notes.name else table
        for table in catalog().tables.values()
    )


@pytest.mark.parametrize(
    ("tables", "sql", "meets"),
    [
        (_notes(("SECRET", "GOV.TAGS.SECRET"), ("GOV.TAGS.SECRET",)), "ALTER TABLE notes ADD COLUMN c DATE", True),
        (_notes(("GOV.TAGS.SECRET",), ()), "ALTER TABLE notes ADD COLUMN c DATE", False),
        (_notes((), (), are_tags_known=False), "ALTER TABLE notes ADD COLUMN c DATE", True),
        (catalog(), "CREATE TABLE fresh (c DATE)", True),
        (_notes((), (), are_tags_known=False), "SELECT nid FROM notes WHERE nid = 1", True),
        (_notes((), ()), "SELECT nid FROM notes WHERE nid = 1", False),
    ],
)
def test_a_column_may_have_every_tag_that_nobody_can_rule_out(tables: Catalog, sql: str, meets: bool) -> None:
    by = under("size(columns['secret']) > 0", head=TAGGED, tables=tables)
    assert (kind(decide(by, sql, STEWARD)) == "deny") is meets


@pytest.mark.parametrize(
    ("unless", "who", "masked"),
    [
        ("", person(), True),
        ("", STEWARD, True),
        ("\n  - {classification: secret, mask: {kind: redact}, unless: {groups: [stewards]}}", person(), True),
        ("\n  - {classification: secret, mask: {kind: redact}, unless: {groups: [stewards]}}", STEWARD, False),
    ],
)
def test_columns_whose_tags_are_not_known_are_secret_for_whom_a_tag_would_mask(
    unless: str, who: object, masked: bool
) -> None:
    head = TAGGED.rstrip("\n") + unless + "\n"
    policy = load(f"{head}rules:\n{PERMITS}")
    for known, expected in ((False, masked), (True, False)):
        by = Engine(policy, _notes((), (), are_tags_known=known))
        assert ("NULL" in by.decide(who, by.understand("SELECT text FROM notes")).action.sql) is expected  # type: ignore[arg-type, union-attr]


def test_a_policy_without_tags_does_not_wait_for_them() -> None:
    by = Engine(engine().policy, _notes((), (), are_tags_known=False))
    assert "NULL" not in decide(by, "SELECT text FROM notes").action.sql  # type: ignore[union-attr]


def test_a_write_of_whole_rows_reads_of_other_tables_only_what_it_names() -> None:
    for sql in (
        "INSERT INTO notes SELECT id, region FROM people",
        "DELETE FROM notes USING people p WHERE notes.nid = p.id",
    ):
        assert kind(decide(engine(), sql)) == "permit"
    assert kind(decide(engine(), "INSERT INTO notes SELECT id, email FROM people")) == "deny"


def test_a_new_catalog_is_told_apart_by_tags_that_became_known() -> None:
    table = Table(TableName("D", "S", "T"), (Column("A", "DATE"),))
    known, unknown = Catalog.of([table]), Catalog.of([replace(table, are_tags_known=False)])
    assert known.digest != unknown.digest
    assert unknown.updated([table]).digest == known.digest
