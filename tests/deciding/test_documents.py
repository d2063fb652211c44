"""Policy and catalog documents: what loads, and where and how an error is told."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.catalog import Catalog, Column, ForeignKey, Table, TableKind
from policy.catalog_document import from_document, to_document
from policy.document import PolicyDocumentError, load, schema
from policy.engine import Engine
from policy.names import TableName
from policy.patterns import parse_pattern
from tests.deciding.worlds import catalog

GOOD = """version: 1
defaults: {database: GW, schema: PUBLIC}
roles:
  - {id: r, who: {anyone: true}, read_role: RO, write_role: RW, warehouse: WH}
public: ["GW.PUBLIC.*.*"]
classifications:
  - {name: secret, columns: ["GW.PUBLIC.CUSTOMER.C_NAME"]}
masks:
  - {classification: secret, mask: {kind: round, to: 0.5}}
row_filters:
  - {id: some, tables: ["GW.PUBLIC.*"], where: "C_NATIONKEY = 1"}
rules:
  - {id: all, effect: permit, who: {groups: [a]}, verbs: [read, write], tables: ["GW.PUBLIC.*"]}
"""

BROKEN = {
    "unknown key": ("rules:", "rulez:", 12, 1, "`rules`"),
    "unknown mask": ("kind: round", "kind: rond", 9, 36, "`round`"),
    "unknown effect": ("effect: permit", "effect: allow", 13, 23, "permit"),
    "unknown audience": ("{groups: [a]}", "{group: [a]}", 13, 37, "`groups`"),
    "empty audience": ("{groups: [a]}", "{}", 13, 36, ""),
    "empty list": ("{groups: [a]}", "{groups: []}", 13, 45, ""),
    "bad number": ("to: 0.5", "to: -1", 9, 54, ""),
    "unknown verb": ("[read, write]", "[raed]", 13, 59, "`read`"),
    "unknown classification": ("classification: secret", "classification: secrets", 9, 22, "`secret`"),
    "short pattern": ('tables: ["GW.PUBLIC.*"]}\n', 'tables: ["GW.PUBLIC"]}\n', None, None, "SCHEMA.TABLE"),
    "duplicate key": ("{id: all, ", "{id: all, id: x, ", 13, 15, ""),
    "duplicate id": ("id: all", "id: r", None, None, ""),
    "wrong version": ("version: 1", "version: 2", 1, 10, ""),
    "not YAML": ("public: [", "public: ][", 5, 9, ""),
    "text for a number": ("to: 0.5", "to: much", 9, None, ""),
}


@pytest.mark.parametrize(("good", "bad", "line", "column", "hint"), BROKEN.values(), ids=BROKEN.keys())
def test_an_error_says_where_and_what_was_meant(
    good: str, bad: str, line: int | None, column: int | None, hint: str
) -> None:
    assert good in GOOD
    with pytest.raises(PolicyDocumentError) as caught:
        load(GOOD.replace(good, bad, 1))
    assert caught.value.line is not None
    if line is not None:
        assert caught.value.line == line
    if column is not None:
        assert abs(caught.value.column - column if caught.value.column else 99) <= 4
    assert hint in caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "x", "null", "a: &x [*x]", "\0", "<<: {}", "? [a]\n: b", "%YAML 9"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyDocumentError):
        load(text)


@given(st.text(max_size=200))
def test_any_text_loads_or_is_refused(text: str) -> None:
    with contextlib.suppress(PolicyDocumentError):
        assert load(text).digest


def test_null_is_a_mask_with_and_without_quotes() -> None:
    plain, quoted = (GOOD.replace("{kind: round, to: 0.5}", f"{{kind: {null}}}") for null in ("null", '"null"'))
    assert load(plain).masks == load(quoted).masks


def test_equal_policies_have_equal_digests_whatever_their_layout() -> None:
    assert load(GOOD).digest == load("# a comment\n" + GOOD.replace("version: 1", "version:   1")).digest
    assert load(GOOD).digest != load(GOOD.replace("0.5", "0.25")).digest


def test_the_schema_is_json_and_knows_every_key() -> None:
    text = json.dumps(schema())
    for word in ("classifications", "row_filters", "keep_last", "email_domain", "issuers"):
        assert word in text


@pytest.mark.parametrize(
    "where",
    [
        "1 = 1; SELECT 1",
        "x IN (SELECT 1)",
        "my_udf(x) = 1",
        "t.x = 1",
        "x = ?",
        "SUM(x) OVER () = 1",
        "1 = 1 GROUP BY x",
        "1 = 1) --",
        "'a",
    ],
)
def test_a_row_filter_is_a_plain_condition(where: str) -> None:
    policy = load(GOOD.replace('"C_NATIONKEY = 1"', json.dumps(where)))
    with pytest.raises(PolicyDocumentError):
        Engine(policy, Catalog())


@pytest.mark.parametrize("text", ["A.B", "A.B.C.D.E", "A..C", "A.B.", "", "A B.C.D", 'A.B."', "A.B.C-D"])
def test_a_malformed_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="`"):
        parse_pattern(text, 3)


def test_patterns_fold_and_quote_like_identifiers() -> None:
    pattern = parse_pattern('crm."my schema".t_*', 3)
    assert pattern.matches(("CRM", "my schema", "T_ONE"))
    assert not pattern.matches(("CRM", "MY SCHEMA", "T_ONE"))
    assert not pattern.matches(("CRM", "my schema", "t_one"))
    assert not pattern.matches(("CRM", "my schema", "XT_ONE"))
    assert parse_pattern('a.b."*"', 3).matches(("A", "B", "*"))
    assert not parse_pattern('a.b."*"', 3).matches(("A", "B", "C"))


def test_a_catalog_comes_back_as_it_went() -> None:
    key = ForeignKey(("A",), TableName("D", "S", "U"), ("B",))
    rich = Table(
        TableName("d", "S", "my table"),
        (Column("A", "NUMBER(38,0)", nullable=False, comment="c", tags=("T",)),),
        kind=TableKind.VIEW,
        comment="it",
        primary_key=("A",),
        foreign_keys=(key,),
        definition="SELECT 1",
        is_secure=True,
    )
    before = catalog(rich)
    after = from_document(json.loads(json.dumps(to_document(before))))
    assert after == before
    assert after.digest == before.digest


def test_a_plain_table_may_have_a_column_called_columns() -> None:
    made = from_document({"D": {"S": {"T": {"columns": "VARCHAR", "kind": "VARCHAR"}}}})
    assert [column.name for column in made.tables[TableName("D", "S", "T")].columns] == ["columns", "kind"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"D": 1},
        {"D": {"S": []}},
        {"D": {"S": {"T": {"A": 1}}}},
        {"D": {"S": {"T": {"columns": [{"name": "A"}]}}}},
        {"D": {"S": {"T": {"columns": [], "more": 1}}}},
        {"D": {"S": {"T": {"columns": [], "kind": "stream"}}}},
        {"D": {"S": {"T": {"columns": [{"name": "A", "type": "INT"}, {"name": "A", "type": "INT"}]}}}},
        {"": {}},
    ],
)
def test_a_malformed_catalog_is_refused(document: object) -> None:
    with pytest.raises(PolicyDocumentError):
        from_document(document)
