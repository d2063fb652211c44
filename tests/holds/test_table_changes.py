"""The grammar of changes of tables: what it reads it writes back whole, and everything else it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.catalog import Catalog, Column, Table
from policy.decision import Deny, Hold
from policy.document import load
from policy.engine import Engine
from policy.mask_back import is_made_by
from policy.masks import Constant, EmailDomain, KeyedHash, Mask, Null, Partial, Redact, Token
from policy.names import TableName
from policy.principal import Principal, Subject
from policy.refusal import PolicyCode, PolicyRefusal
from policy.resolve import Defaults
from policy.statement import (
    AddColumn,
    Create,
    Drop,
    DropColumn,
    PutBack,
    TableChange,
    Truncate,
    Undrop,
    Verb,
)
from policy.table_changes import understand_change, verb_of, written
from policy.undo import prepared_undo, undo_command

DEFAULTS = Defaults("DB", "S")
names = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["C", "Zl", "Zp"]), min_size=1
).filter(lambda name: not name.upper().startswith(("__GW_", "METADATA$")))
tables = st.builds(TableName, names, names, names)
types = st.sampled_from(["NUMBER(38,0)", "VARCHAR(12)", "TEXT", "TIMESTAMP_NTZ(9)", "VARIANT", "BOOLEAN"])
moments = st.sampled_from(
    ["BEFORE (STATEMENT => '01b2-ff')", "AT (TIMESTAMP => '2026-01-31 12:00:00.123 +0000'::TIMESTAMP_TZ)"]
)
changes: st.SearchStrategy[TableChange] = st.one_of(
    st.sampled_from([Truncate(), Drop(), Undrop()]),
    st.builds(
        Create,
        st.lists(st.tuples(names, types, st.booleans()), min_size=1, max_size=4, unique_by=lambda c: c[0]).map(tuple),
    ),
    st.builds(AddColumn, names, types),
    st.builds(DropColumn, names),
    st.builds(PutBack, moments),
)


def sql_of(table: TableName, change: TableChange) -> str:
    before, after = written(change, _quoted(table))
    return f"{before}{_quoted(table)}{after}"


@given(tables, changes)
def test_what_is_written_is_read_as_the_same_change_of_the_same_table(table: TableName, change: TableChange) -> None:
    text = sql_of(table, change)
    statement = understand_change(text, DEFAULTS)
    assert statement is not None
    assert (statement.target, statement.change, statement.verb) == (table, change, verb_of(change))
    assert statement.tree.written((_quoted(table),)) == text


def _quoted(table: TableName) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in (table.database, table.schema, table.name))


@given(
    tables,
    changes,
    st.sampled_from(["CASCADE", "PURGE", "; DROP TABLE x", "AS SELECT 1", "->> SELECT 1", "x", "(", "'a'"]),
)
def test_nothing_is_stepped_over(table: TableName, change: TableChange, more: str) -> None:
    with pytest.raises(PolicyRefusal) as refused:
        understand_change(f"{sql_of(table, change)} {more}", DEFAULTS)
    assert refused.value.code in (PolicyCode.STATEMENT_NOT_ALLOWED, PolicyCode.SYNTAX_ERROR)


@given(tables, changes)
def test_an_undo_is_a_change_that_is_understood_and_of_the_same_table(table: TableName, change: TableChange) -> None:
    undos = [undo_command(table, "01b2-ff", change), prepared_undo(table, change, "2026-01-31 12:00:00.123 +0000")]
    for undo in undos:
        assert (undo is None) == isinstance(change, PutBack)
        if undo is not None:
            statement = understand_change(undo, DEFAULTS)
            assert statement is not None
            assert statement.target == table


@pytest.mark.parametrize("query_id", ["'", "x'); DROP TABLE t", "", "a" * 65])
def test_what_is_no_query_id_makes_no_undo(query_id: str) -> None:
    assert undo_command(TableName("A", "B", "C"), query_id) is None
    assert prepared_undo(TableName("A", "B", "C"), Truncate(), query_id) is None


POLICY = """
version: 1
roles: [{id: all, who: {anyone: true}, read_role: R, write_role: W, warehouse: H}]
public: [DB.S.T.ID]
classifications: [{name: pii, columns: ["*.*.*.EMAIL"]}]
masks: [{classification: pii, mask: {kind: redact}, unless: {groups: [stewards]}}]
rules:
  - {id: writes, effect: permit, who: {anyone: true}, verbs: [read, write], tables: ["DB.S.*"]}
"""
NAMED = """
  - id: changes
    effect: permit
    who: {anyone: true}
    verbs: [truncate, create, alter, drop, restore]
    tables: ["DB.S.*"]
"""
T = TableName("DB", "S", "T")
CATALOG = Catalog.of([Table(T, (Column("ID", "NUMBER(38,0)"), Column("EMAIL", "VARCHAR(100)")))])


def decided(policy: str, sql: str, *groups: str, values: tuple[object, ...] = ()) -> object:
    engine = Engine(load(policy), CATALOG)
    who = Principal(Subject("ada"), "agent", "iss", frozenset(groups))
    statement = engine.understand(sql)
    return engine.refuse_values(who, statement, values) or engine.decide(who, statement)


@given(changes)
def test_a_rule_must_name_the_verb_and_even_a_permit_only_holds(change: TableChange) -> None:
    sql = sql_of(T, change)
    unnamed = decided(POLICY, sql, "stewards")
    assert isinstance(unnamed, Deny)
    named = decided(POLICY + NAMED, sql, "stewards")
    is_missing = isinstance(change, DropColumn) and change.name not in ("ID", "EMAIL")
    is_there = isinstance(change, AddColumn) and change.name in ("ID", "EMAIL")
    assert isinstance(named, Deny if is_missing or is_there else Hold)


def test_a_column_that_is_masked_for_its_caller_is_not_dropped_by_them() -> None:
    sql = "ALTER TABLE db.s.t DROP COLUMN email"
    assert isinstance(decided(POLICY + NAMED, sql), Deny)
    assert isinstance(decided(POLICY + NAMED, sql, "stewards"), Hold)


FILTERED = """
row_filters: [{{id: some, tables: ["{0}"], where: "ID = 1", unless: {{groups: [stewards]}}}}]
"""


@pytest.mark.parametrize(
    "change", [Truncate(), Drop(), Undrop(), AddColumn("N", "DATE"), PutBack("BEFORE (STATEMENT => '01b2-ff')")]
)
@pytest.mark.parametrize(("filtered", "table"), [("DB.S.T", "T"), ("DB.S.*", "GONE"), ("DB.S.GONE", "GONE")])
def test_who_sees_only_some_rows_of_a_table_neither_changes_it_nor_brings_it_back(
    change: TableChange, filtered: str, table: str
) -> None:
    sql = sql_of(TableName("DB", "S", table), change)
    policy = POLICY + NAMED + FILTERED.format(filtered)
    refused = decided(policy, sql)
    assert isinstance(refused, Deny)
    is_there = table == "T" or isinstance(change, Undrop)
    assert refused.code is (PolicyCode.NOT_PERMITTED if is_there else PolicyCode.OBJECT_NOT_FOUND)
    assert isinstance(decided(policy, sql, "stewards"), Hold if is_there else Deny)


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("UPDATE db.s.t SET email = '***' WHERE id = 1", ()),
        ("UPDATE db.s.t SET email = ? WHERE id = 1", ("***",)),
        ("INSERT INTO db.s.t VALUES (1, '***')", ()),
        ("INSERT INTO db.s.t (id, email) VALUES (?, ?)", (1, "***")),
        ("MERGE INTO db.s.t USING (SELECT 1 AS k) AS s ON t.id = s.k WHEN MATCHED THEN UPDATE SET email = '***'", ()),
    ],
)
def test_what_a_mask_shows_is_not_written_back(sql: str, values: tuple[object, ...]) -> None:
    refused = decided(POLICY, sql, values=values)
    assert isinstance(refused, Deny)
    assert refused.code is PolicyCode.MASKED_VALUE
    assert not isinstance(decided(POLICY, sql, "stewards", values=values), Deny)  # who is shown no mask may write stars


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO db.s.t (id, email) SELECT id, email FROM db.s.t",
        "UPDATE db.s.t SET email = email WHERE id = 1",
        "UPDATE db.s.t SET email = o.email FROM db.s.t AS o WHERE t.id = o.id",
        "MERGE INTO db.s.t USING db.s.t AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET email = s.email",
    ],
)
def test_a_masked_column_is_not_copied_as_data(sql: str) -> None:
    refused = decided(POLICY, sql)
    assert isinstance(refused, Deny)
    assert refused.code is PolicyCode.NOT_PERMITTED


@pytest.mark.parametrize(
    ("mask", "shown", "real"),
    [
        (Redact(), ["***"], ["**", "a***", "****"]),
        (EmailDomain(), ["***", "***@x.org"], ["a@x.org", "a***@x.org"]),
        (Partial(0, 2), ["***", "***21"], ["***1", "***213", "21"]),
        (Partial(2, 2), ["+4***21"], ["+4**21", "+49***21"]),
        (KeyedHash(T), ["0aF1" * 16], ["0aF1", "0aF1" * 16 + "0", "zz" * 32]),
        (Token(T), ["tok_" + "a1" * 16], ["tok_short", "token"]),
        (Constant("HIDDEN"), ["HIDDEN"], ["hidden"]),
        (Null(), [], ["***", ""]),
    ],
)
def test_a_result_of_a_mask_is_told_from_other_values(mask: Mask, shown: list[str], real: list[str]) -> None:
    assert all(is_made_by(mask, value) for value in shown)
    assert not any(is_made_by(mask, value) for value in real)


def test_no_verb_of_tables_is_one_of_rows() -> None:
    assert {verb_of(change) for change in (Truncate(), Create(()), AddColumn("A", "INT"), Drop(), Undrop())} == {
        Verb.TRUNCATE,
        Verb.CREATE,
        Verb.ALTER,
        Verb.DROP,
        Verb.RESTORE,
    }
