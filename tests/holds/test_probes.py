"""What a write would do is asked with reads that are judged like any other, and bind the right values."""

import pytest

from policy.catalog import Catalog, Column, Table, TableKind
from policy.catalog_document import from_document
from policy.document import load
from policy.engine import Engine
from policy.names import TableName
from policy.principal import Principal, Subject
from policy.probes import Cell
from policy.questions import Questions
from policy.statement import Verb

POLICY = """
version: 1
defaults: {database: DB, schema: S}
roles:
  - {id: all, who: {anyone: true}, read_role: READER, write_role: WRITER, warehouse: WH}
public: ["DB.S.T.ID", "DB.S.T.B", "DB.S.SRC.*", "DB.S.VAULT.ID"]
classifications: [{name: secret, columns: ["*.*.*.A"]}]
masks: [{classification: secret, mask: {kind: redact}, unless: {groups: [stewards]}}]
row_filters: [{id: own, tables: [DB.S.T], where: "B > 0", who: {groups: [filtered]}}]
rules:
  - {id: reads, effect: permit, who: {groups: [readers, stewards, filtered]}, verbs: [read], tables: ["DB.S.*"]}
  - {id: reads-src, effect: permit, who: {anyone: true}, verbs: [read], tables: [DB.S.SRC]}
  - {id: no-vault, effect: forbid, who: {groups: [readers]}, verbs: [read], tables: [DB.S.VAULT]}
  - {id: writes, effect: hold, who: {anyone: true}, verbs: [write], tables: [DB.S.T]}
"""
ENGINE = Engine(
    load(POLICY),
    from_document(
        {
            "DB": {
                "S": {
                    "T": {"ID": "NUMBER(38,0)", "A": "VARCHAR", "B": "NUMBER(38,0)"},
                    "SRC": {"ID": "NUMBER(38,0)", "Z": "NUMBER(38,0)", "D": "BOOLEAN"},
                    "VAULT": {"ID": "NUMBER(38,0)"},
                }
            }
        }
    ),
)


def person(*groups: str) -> Principal:
    return Principal(Subject("ada"), "agent", "iss", groups=frozenset(groups))


def asked(sql: str, *groups: str) -> Questions:
    return ENGINE.questions(person(*groups or ("readers",)), ENGINE.understand(sql), sql)


@pytest.mark.parametrize(
    ("sql", "verbs", "binds"),
    [
        ("UPDATE t SET b = ? WHERE id IN (?, ?)", [("update",)], [(1, 2)]),
        ("UPDATE t AS x SET b = ? FROM src AS s WHERE s.id = x.id AND s.z = ?", [("update",)], [(1,)]),
        ("DELETE FROM t WHERE b = ? AND id > 3", [("delete",)], [(0,)]),
        ("DELETE FROM t USING src AS s WHERE s.id = t.id", [("delete",)], [()]),
        ("INSERT INTO t (id) SELECT id FROM src WHERE z = ?", [("insert",)], [(0,)]),
        (
            "MERGE INTO t USING (SELECT * FROM src WHERE z = ?) AS q ON t.id = q.id WHEN MATCHED AND q.d THEN DELETE "
            "WHEN MATCHED THEN UPDATE SET b = ? WHEN NOT MATCHED THEN INSERT (id) VALUES (?)",
            [("delete", "update"), ("insert",)],
            [(0,), (0,)],
        ),
    ],
)
def test_a_count_takes_the_values_that_narrow_the_write_and_no_others(
    sql: str, verbs: list[tuple[str, ...]], binds: list[tuple[int, ...]]
) -> None:
    found = asked(sql)
    assert found.counts is not None
    assert [each.verbs for each in found.counts] == verbs
    assert [each.binds for each in found.counts] == binds
    for each in found.counts:
        assert each.sql.count("?") == len(each.binds)
        assert each.sql.startswith("SELECT ")


def test_rows_that_stand_in_the_statement_are_counted_without_asking() -> None:
    found = asked("INSERT INTO t (id, b) VALUES (?, 2), (3, 4)")
    assert (found.counts, dict(found.known)) == ((), {Verb.INSERT: 2})


def test_a_sample_is_masked_for_whoever_asks_for_the_write() -> None:
    sql = "UPDATE t SET b = b + 1, a = 'x' WHERE id = 1"
    masked, clear = asked(sql, "readers").sample, asked(sql, "stewards").sample
    assert masked is not None
    assert clear is not None
    assert "***" in masked.sql
    assert "***" not in clear.sql
    assert [(cell.label, cell.side) for cell in masked.cells] == [
        ("B", "before"), ("B", "after"), ("A", "before"), ("A", "after"),
    ]  # fmt: skip


def test_who_may_not_read_the_table_is_told_how_many_rows_and_sees_none() -> None:
    found = asked("DELETE FROM t WHERE id = 1", "nobody")
    assert found.counts is not None
    assert len(found.counts) == 1
    assert found.sample is None


def test_an_approver_sees_no_cell_that_they_could_not_read_themselves() -> None:
    sample = asked("UPDATE t SET b = b + 1, a = 'x' WHERE id = 1", "stewards").sample
    assert sample is not None
    target = ENGINE.understand("DELETE FROM t WHERE id = 1").target
    assert target is not None

    def shown(*groups: str) -> tuple[bool, ...]:
        return ENGINE.cells_shown(person(*groups), target, (), sample.cells)

    assert shown("stewards") == (True, True, True, True)
    assert shown("readers") == (True, True, False, True)  # `a` is masked for them; what it becomes is in the statement
    assert shown("filtered") == (False, False, False, False)
    assert shown("nobody") == (False, False, False, False)


@pytest.mark.parametrize(
    ("sql", "for_readers"),
    [
        ("INSERT INTO t SELECT * FROM t", (False, False, False)),
        ("INSERT INTO t (id, b) SELECT x.id, LENGTH(x.a) FROM src AS s JOIN t AS x ON x.id = s.id", (False, False)),
        ("UPDATE t SET b = HASH(*) WHERE id = 1", (True, False)),
        ("UPDATE t SET b = HASH(t.*) WHERE id = 1", (True, False)),
        ("UPDATE t SET a = OBJECT_CONSTRUCT(*)::VARCHAR WHERE id = 1", (False, False)),
        ("UPDATE t SET a = {* EXCLUDE b}::VARCHAR WHERE id = 1", (False, False)),
        ("UPDATE t SET b = (SELECT COUNT(*) FROM src) WHERE id = 1", (True, True)),
        ("INSERT INTO t (id, a) SELECT id, 'x' FROM src", (True, True)),
    ],
)
def test_an_approver_sees_no_cell_that_may_be_made_of_a_column_which_nobody_named(
    sql: str, for_readers: tuple[bool, ...]
) -> None:
    statement = ENGINE.understand(sql)
    sample, target = asked(sql, "stewards").sample, statement.target
    assert sample is not None
    assert target is not None
    others = sorted(statement.reads - {target})
    assert ENGINE.cells_shown(person("readers"), target, others, sample.cells) == for_readers
    assert all(ENGINE.cells_shown(person("stewards"), target, others, sample.cells))


@pytest.mark.parametrize(
    ("view", "is_shown"),
    [
        ("SELECT id, z FROM db.s.src", True),
        ("SELECT id, b FROM db.s.t", True),
        ("SELECT id, a AS z FROM db.s.t", False),
        ("SELECT id, z FROM (SELECT s.id, t.a AS z FROM db.s.src AS s JOIN db.s.t AS t USING (id))", False),
        ("SELECT id, id AS z FROM db.s.vault", False),
        ("SELECT no sql", False),
    ],
)
def test_an_approver_sees_what_comes_through_a_view_only_if_all_beneath_it_is_clear_to_them(
    view: str, is_shown: bool
) -> None:
    columns = (Column("ID", "NUMBER(38,0)"), Column("Z", "VARCHAR"))
    name = TableName("DB", "S", "V")
    table = Table(name, columns, kind=TableKind.VIEW, definition=view)
    engine = Engine(load(POLICY), Catalog.of([*ENGINE.catalog.tables.values(), table]))
    cell = Cell("ID", "after", frozenset(), is_foreign=True)
    shown = engine.cells_shown(person("readers"), TableName("DB", "S", "T"), [name], [cell])
    assert shown == (is_shown,)
    assert engine.cells_shown(person("readers"), TableName("DB", "S", "T"), [TableName("DB", "S", "W")], [cell]) == (
        False,
    )


@pytest.mark.parametrize("sql", ["DELETE FROM gone WHERE id = 1", "UPDATE t SET b = 1 WHERE nothing = 1"])
def test_what_cannot_be_asked_is_unmeasured(sql: str) -> None:
    found = asked(sql)
    assert found.counts is None
    assert found.sample is None
