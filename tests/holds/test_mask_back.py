"""What a mask showed is not written back over what it hides, however it gets there; and all else may be written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.catalog import Catalog, Column, Table
from policy.decision import Deny
from policy.document import load
from policy.engine import Engine
from policy.mask_back import is_made_by
from policy.masks import Constant
from policy.names import TableName
from policy.principal import Principal, Subject
from policy.refusal import PolicyCode
from policy.statement import SqlStatement

POLICY = """
version: 1
defaults: {database: D, schema: S}
roles: [{id: all, who: {anyone: true}, read_role: R, write_role: W, warehouse: H}]
public: ["D.S.PEOPLE.ID", "D.S.PEOPLE.NOTE", "D.S.NOTES.*"]
classifications:
  - {name: email, columns: ["*.*.*.EMAIL"]}
  - {name: phone, columns: ["*.*.*.PHONE"]}
  - {name: code, columns: ["*.*.*.CODE"]}
  - {name: pass, columns: ["*.*.*.PASS"]}
  - {name: city, columns: ["*.*.*.CITY"]}
masks:
  - {classification: email, mask: {kind: email_domain}, unless: {groups: [stewards]}}
  - {classification: phone, mask: {kind: partial, keep_last: 2}, unless: {groups: [stewards]}}
  - {classification: code, mask: {kind: token, function: G.M.KEYED}, unless: {groups: [stewards]}}
  - {classification: pass, mask: {kind: "null"}, unless: {groups: [stewards]}}
  - {classification: city, mask: {kind: constant, value: somewhere}, unless: {groups: [stewards]}}
rules:
  - {id: writes, effect: permit, who: {anyone: true}, verbs: [read, write], tables: ["D.S.*"]}
"""
COLUMNS = ("ID", "NOTE", "EMAIL", "PHONE", "CODE", "PASS", "CITY")
TEXT = "VARCHAR(100)"
ENGINE = Engine(
    load(POLICY),
    Catalog.of(
        [
            Table(TableName("D", "S", "PEOPLE"), tuple(Column(name, TEXT) for name in COLUMNS)),
            Table(TableName("D", "S", "NOTES"), tuple(Column(name, TEXT) for name in ("NID", "NOTE", "LINK"))),
        ]
    ),
)
TOKEN = "tok_" + "aB3+" * 8


def code_of(sql: str, *values: object, groups: tuple[str, ...] = ()) -> str | None:
    """The code of the refusal of a write with values for its `?`, or None."""
    who = Principal(Subject("ada"), "agent", "iss", frozenset(groups))
    statement = ENGINE.understand(sql)
    assert isinstance(statement, SqlStatement)
    decision = ENGINE.decide(who, statement)
    decision = decision if isinstance(decision, Deny) else ENGINE.refuse_values(who, statement, values) or decision
    return str(decision.code) if isinstance(decision, Deny) else None


BACK = [
    "UPDATE people SET email = '***' WHERE id = 1",
    "UPDATE people SET email = '***@x.org' WHERE id = 1",
    "UPDATE people SET phone = '***21' WHERE id = 1",
    f"UPDATE people SET code = '{TOKEN}' WHERE id = 1",
    "UPDATE people SET city = 'somewhere' WHERE id = 1",
    # a mask of one column in another that is masked
    "UPDATE people SET pass = '***' WHERE id = 1",
    f"UPDATE people SET email = '{TOKEN}' WHERE id = 1",
    # put together
    "UPDATE people SET email = '**' || '*' WHERE id = 1",
    "UPDATE people SET email = CONCAT('*', '*', '*') WHERE id = 1",
    "UPDATE people SET email = CONCAT_WS('', '**', '*') WHERE id = 1",
    "UPDATE people SET email = REPEAT('*', 3) WHERE id = 1",
    "UPDATE people SET email = LPAD('', 3, '*') WHERE id = 1",
    "UPDATE people SET email = REPLACE('###', '#', '*') WHERE id = 1",
    "UPDATE people SET email = LEFT('***a', 3) WHERE id = 1",
    "UPDATE people SET email = SUBSTR('a*', 2) || SUBSTR('a**', 2) WHERE id = 1",
    "UPDATE people SET email = SUBSTR('a*', 2) || SUBSTR('b*', 2) || SUBSTR('c*', 2) WHERE id = 1",
    "UPDATE people SET email = CHR(42) || CHR(42) || CHR(42) WHERE id = 1",
    "UPDATE people SET email = HEX_DECODE_STRING('2A2A2A') WHERE id = 1",
    "UPDATE people SET email = BASE64_DECODE_STRING('Kioq') WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(X'2A2A2A', 'utf-8') WHERE id = 1",
    "UPDATE people SET email = PARSE_JSON('\"\\\\u002a\\\\u002a\\\\u002a\"')::VARCHAR WHERE id = 1",
    'UPDATE people SET email = TRY_PARSE_JSON($$"\\u002a\\u002a\\u002a"$$)::VARCHAR WHERE id = 1',
    'UPDATE people SET email = PARSE_JSON($${"e": "\\u002a\\u002a\\u002a"}$$):e::VARCHAR WHERE id = 1',
    "UPDATE people SET email = PARSE_JSON(?)::VARCHAR WHERE id = 1",
    'UPDATE people SET email = JSON_EXTRACT_PATH_TEXT($${"e": "\\u002a\\u002a\\u002a"}$$, \'e\') WHERE id = 1',
    "UPDATE people SET email = XMLGET(PARSE_XML('<a><b>&#42;&#42;&#42;</b></a>'), 'b'):\"$\"::VARCHAR WHERE id = 1",
    "UPDATE people SET email = PARSE_URL('https://x.org/?a=%2A%2A%2A'):parameters:a::VARCHAR WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(TO_BINARY('2A2A2A', 'HEX'), 'UTF-8') WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(TRY_TO_BINARY('2A2A2A'), 'utf8') WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR('2A2A2A'::BINARY, 'UTF-8') WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(SUBSTR(MD5_BINARY('x'), 1, 3), 'utf-8') WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(MD5_BINARY('x'), LOWER('UTF-') || '8') WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(MD5_BINARY('x'), REVERSE('8-FTU')) WHERE id = 1",
    "UPDATE people SET email = SUBSTR('2A2A2A'::VARBINARY, 1) WHERE id = 1",
    "UPDATE people SET email = SUBSTR(TO_BINARY('2A2A2A', 'HEX'), 1) WHERE id = 1",
    "UPDATE people SET email = SUBSTR(HEX_DECODE_BINARY('2A2A2A'), 1) WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(HEX_DECODE_BINARY('2A2A2A'), 'utf-8') WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(BASE64_DECODE_BINARY('Kioq'), 'utf-8') WHERE id = 1",
    'UPDATE people SET email = s.x FROM (SELECT PARSE_JSON($$"\\u002a\\u002a\\u002a"$$)::VARCHAR AS x) AS s',
    'INSERT INTO people (id, email) SELECT 1, f.value FROM TABLE(FLATTEN(PARSE_JSON($$["\\u002a"]$$))) AS f',
    "UPDATE people SET email = '***@' || note WHERE id = 1",
    "UPDATE people SET email = '*' || SUBSTR(note, 1, 0) || '**' WHERE id = 1",
    "UPDATE people SET email = '*' || SUBSTR(note, 1, 0) || '*' || SUBSTR(note, 1, 0) || '*' WHERE id = 1",
    'UPDATE people SET email = PARSE_JSON(\'{"e": "***"}\'):e::VARCHAR WHERE id = 1',
    "UPDATE people SET email = TRIM(' *** ') WHERE id = 1",
    "UPDATE people SET email = $$***$$ WHERE id = 1",
    "UPDATE people SET email = '\\x2a\\x2a\\x2a' WHERE id = 1",
    f"UPDATE people SET code = 'tok' || '{TOKEN[3:]}' WHERE id = 1",
    f"UPDATE people SET code = SUBSTR('x{TOKEN}', 2) WHERE id = 1",
    f"UPDATE people SET code = SUBSTR('xto' || 'k_{TOKEN[4:]}', 2) WHERE id = 1",
    "UPDATE people SET city = LOWER('SOMEWHERE') WHERE id = 1",
    "UPDATE people SET city = CHR(115) || 'omewhere' WHERE id = 1",
    # chosen
    "UPDATE people SET email = COALESCE(NULL, '***') WHERE id = 1",
    "UPDATE people SET email = CASE WHEN id = 2 THEN note ELSE '***' END WHERE id = 1",
    "UPDATE people SET email = IFF(id = 2, '***', note) WHERE id = 1",
    "UPDATE people SET email = NULLIF('***', note) WHERE id = 1",
    "UPDATE people SET email = '***'::VARCHAR WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR('***') WHERE id = 1",
    # from queries
    "UPDATE people SET email = (SELECT '***') WHERE id = 1",
    "UPDATE people SET email = (SELECT MAX(s.x) FROM (SELECT '***' AS x) AS s) WHERE id = 1",
    "UPDATE people SET email = s.x FROM (SELECT '***' AS x) AS s WHERE id = 1",
    "UPDATE people SET email = s.x || s.y FROM (SELECT '*' AS x, '**' AS y) AS s WHERE id = 1",
    "UPDATE people SET email = s.z FROM (SELECT x || y AS z FROM (SELECT '*' AS x, '**' AS y) AS q) AS s WHERE id = 1",
    "UPDATE people SET email = BASE64_DECODE_STRING(s.x) FROM (SELECT 'Kioq' AS x) AS s WHERE id = 1",
    "UPDATE people SET email = s.y FROM (SELECT BASE64_DECODE_STRING(x) AS y FROM (SELECT 'Kioq' AS x)) AS s",
    "UPDATE people SET email = s.value FROM TABLE(SPLIT_TO_TABLE('a ***', ' ')) AS s WHERE id = 1",
    "INSERT INTO people VALUES (1, 'n', '***', NULL, NULL, NULL, NULL)",
    "INSERT INTO people (id, email) VALUES (1, 'a@x.org'), (2, '***')",
    "INSERT INTO people (id, email) SELECT 1, '***'",
    "INSERT INTO people (id, email) SELECT nid, '***' FROM notes",
    "INSERT INTO people (id, email) SELECT nid, note FROM notes UNION ALL SELECT 1, '***'",
    "INSERT INTO people (id, email) (SELECT nid, '***' FROM notes)",
    "INSERT INTO people (id, email) WITH m AS (SELECT '***' AS e) SELECT 1, e FROM m",
    "INSERT INTO people (id, email) SELECT * FROM (VALUES (1, '***')) AS v",
    "INSERT INTO people (id, email) SELECT n.nid, v.e FROM notes AS n JOIN (SELECT '***' AS e) AS v ON TRUE",
    "INSERT INTO people (note, email) SELECT '***' AS x, x FROM notes",
    "INSERT INTO people (note, email) SELECT '**' AS x, x || SUBSTR(x, 2) FROM notes",
    "INSERT INTO people (note, city, email) SELECT '**' AS x, x || '*' AS y, y FROM notes",
    'INSERT INTO people (id, email) SELECT 1, k FROM (SELECT 1 AS "***") UNPIVOT(v FOR k IN ("***"))',
    "MERGE INTO people p USING notes n ON p.id = n.nid WHEN MATCHED THEN UPDATE SET email = '***'",
    "MERGE INTO people p USING notes n ON p.id = n.nid WHEN NOT MATCHED THEN INSERT (id, email) VALUES (n.nid, '***')",
    "MERGE INTO people p USING (SELECT 1 AS i, '***' AS e) n ON p.id = n.i WHEN MATCHED THEN UPDATE SET email = n.e",
    "MERGE INTO people p USING (VALUES (1, '***')) AS n(i, e) ON p.id = n.i "
    "WHEN NOT MATCHED THEN INSERT VALUES (n.i, NULL, n.e, NULL, NULL, NULL, NULL)",
]


@pytest.mark.parametrize("sql", BACK)
def test_a_mask_is_not_written_over_what_it_hides(sql: str) -> None:
    assert code_of(sql) == PolicyCode.MASKED_VALUE
    assert code_of(sql, groups=("stewards",)) is None  # who is shown no mask may write stars


def test_what_is_assigned_to_no_plain_column_may_be_for_any() -> None:
    assert code_of("UPDATE people SET 'a' = '***' WHERE id = 1") == PolicyCode.MASKED_VALUE


HONEST = [
    # into clear columns
    "UPDATE people SET note = '***' WHERE id = 1",
    f"UPDATE people SET note = '{TOKEN}' WHERE id = 1",
    "INSERT INTO people (id, note, email) VALUES (1, '***', 'a@x.org')",
    "INSERT INTO people VALUES (1, '*** n', 'a@x.org', NULL, NULL, NULL, 'Bonn')",
    "INSERT INTO people (note, email) SELECT '***', note FROM notes",
    "INSERT INTO notes (note) VALUES ('***')",
    "INSERT INTO notes SELECT nid, '***', 'somewhere' FROM notes",
    "MERGE INTO people p USING notes n ON p.id = n.nid WHEN MATCHED THEN UPDATE SET note = '***', email = 'a@x.org'",
    # where they only decide
    "UPDATE people SET email = 'a@x.org' WHERE note = '***'",
    "UPDATE people SET email = CASE WHEN note = 'somewhere' THEN 'a@x.org' ELSE 'b@x.org' END WHERE id = 1",
    "UPDATE people SET email = n.note FROM notes AS n WHERE n.nid = id AND n.link = '***'",
    "UPDATE people SET email = n.note FROM (SELECT nid, note FROM notes WHERE link = '***') AS n WHERE n.nid = id",
    "INSERT INTO people (id, email) SELECT nid, note FROM notes WHERE link LIKE '***%' ORDER BY note || '***'",
    "DELETE FROM people WHERE note = '***'",
    "MERGE INTO people p USING notes n ON p.id = n.nid AND n.link = '***' WHEN MATCHED THEN UPDATE SET email = n.note",
    "UPDATE people SET email = CASE WHEN note = '***' THEN 'a@x.org' ELSE 'b@x.org' END WHERE id = 1",
    "UPDATE people SET email = IFF(note = '***', 'a@x.org', note) WHERE id = 1",
    "UPDATE people SET email = n.note FROM notes AS n WHERE n.link IN (SELECT '***')",
    # other values in masked columns
    "UPDATE people SET email = NULL WHERE id = 1",
    "UPDATE people SET email = LOWER('Ada@X.org') WHERE id = 1",
    "UPDATE people SET email = note || '@x.org' WHERE id = 1",
    "UPDATE people SET email = 'X' || note || ' ' WHERE id = 1",
    "UPDATE people SET email = REGEXP_REPLACE(note, '.*@', 'ada@') WHERE id = 1",
    "UPDATE people SET email = BASE64_DECODE_STRING(note) WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(7) WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(7, '99') WHERE id = 1",
    "UPDATE people SET email = PARSE_JSON(note):email::VARCHAR WHERE id = 1",
    "UPDATE people SET email = TO_VARCHAR(TO_BINARY(note, 'HEX'), 'UTF-8') WHERE id = 1",
    'UPDATE people SET note = PARSE_JSON($$"\\u002a"$$)::VARCHAR WHERE id = 1',
    "INSERT INTO people (id, note, email) SELECT * FROM notes",
    "INSERT INTO people (id, email) SELECT s.nid, s.email FROM (SELECT nid, note AS email FROM notes) AS s",
    "UPDATE people SET email = TO_VARCHAR('a@x.org') WHERE id = 1",
    "UPDATE people SET pass = SHA2('a new one') WHERE id = 1",
    "UPDATE people SET pass = 'somewhere' WHERE id = 1",
    "UPDATE people SET pass = HEX_DECODE_STRING('61') WHERE id = 1",
    "UPDATE people SET email = a.x || '@x.org' FROM (SELECT nid, note AS x FROM notes) AS a WHERE a.nid = id",
    "INSERT INTO people (id, email) SELECT n.nid, v.e FROM notes n JOIN (VALUES ('a@x.org')) AS v(e) ON TRUE",
    # names of columns that only receive are not read of what they come from
    "INSERT INTO notes (nid, note) SELECT id, note FROM people",
    "UPDATE notes SET note = p.note FROM people AS p WHERE p.id = nid",
    "MERGE INTO people t USING (SELECT id AS i, note AS n FROM people) s ON t.id = s.i "
    "WHEN MATCHED THEN UPDATE SET email = s.n WHEN NOT MATCHED THEN INSERT (id, phone) VALUES (s.i, s.n)",
    "INSERT INTO people (id, email) SELECT id, note FROM people",
]


def test_a_constant_that_stands_for_a_value_is_told_in_a_piece_too() -> None:
    assert code_of("UPDATE people SET city = 'somewhere' || id WHERE id = '1'") == PolicyCode.MASKED_VALUE
    assert code_of("UPDATE people SET city = 'elsewhere' || id WHERE id = '1'") != PolicyCode.MASKED_VALUE


def test_what_is_as_long_as_a_mask_and_shows_its_value_may_be_written() -> None:
    assert code_of("UPDATE people SET phone = '55512' WHERE id = '1'") is None
    assert code_of("UPDATE people SET phone = '***12' WHERE id = '1'") == PolicyCode.MASKED_VALUE


@pytest.mark.parametrize("sql", HONEST)
def test_what_no_mask_shows_may_be_written(sql: str) -> None:
    assert code_of(sql) is None


@pytest.mark.parametrize(
    ("sql", "values", "code"),
    [
        ("UPDATE people SET email = ? WHERE id = ?", ("***", 1), "masked_value"),
        ("UPDATE people SET note = ? WHERE id = ?", ("***", 1), None),
        ("UPDATE people SET email = ? WHERE note = ?", ("a@x.org", "***"), None),
        ("UPDATE people SET note = ?, email = ? WHERE id = 1", ("***", "a@x.org"), None),
        ("UPDATE people SET note = ?, email = ? WHERE id = 1", ("a@x.org", "***"), "masked_value"),
        ("UPDATE people SET email = ? || ? WHERE id = 1", ("**", "*"), "masked_value"),
        ("UPDATE people SET email = REPEAT(?, 3) WHERE id = 1", ("*",), "masked_value"),
        ("UPDATE people SET email = COALESCE(note, ?) WHERE id = 1", ("***",), "masked_value"),
        ("UPDATE people SET email = LOWER(?) WHERE id = 1", ("Ada@x.org",), None),
        ("UPDATE people SET code = ? WHERE id = 1", (TOKEN,), "masked_value"),
        ("UPDATE people SET code = ? WHERE id = 1", (7,), None),
        ("INSERT INTO people (id, note, email) VALUES (?, ?, ?)", (1, "***", "a@x.org"), None),
        ("INSERT INTO people (id, note, email) VALUES (?, ?, ?)", (1, "a", "***"), "masked_value"),
        ("INSERT INTO people (id, email) SELECT 1, x FROM (SELECT ? AS x) AS s", ("***",), "masked_value"),
        ("INSERT INTO people (id, email) SELECT 1, x || x FROM (SELECT ? AS x) AS s", ("**",), "masked_value"),
        ("INSERT INTO people (id, email) SELECT nid, note FROM notes LIMIT 5", (), None),
        ("INSERT INTO notes (nid, note) VALUES (?, ?)", ("***", TOKEN), None),
    ],
)
def test_values_are_followed_to_their_columns(sql: str, values: tuple[object, ...], code: str | None) -> None:
    assert code_of(sql, *values) == code


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE people SET email = p.email FROM people AS p WHERE p.id = people.id",
        "UPDATE people SET note = p.email FROM people AS p WHERE p.id = people.id",
        "UPDATE notes SET note = (SELECT MAX(LOWER(email)) FROM people) WHERE nid = 1",
        "INSERT INTO notes (note) WITH m AS (SELECT phone AS x FROM people) SELECT 'a' || x FROM m",
        "INSERT INTO notes SELECT p.id, p.note, p.code FROM people AS p JOIN notes AS n ON n.nid = p.id",
        "INSERT INTO notes (nid, note, link) SELECT * EXCLUDE (id, note, pass, city) FROM people",
        "MERGE INTO notes n USING people p ON n.nid = p.id WHEN MATCHED THEN UPDATE SET note = p.city",
        "INSERT INTO people (id, email) SELECT id, email FROM people",
    ],
)
def test_what_is_masked_is_read_by_no_write(sql: str) -> None:
    assert code_of(sql) == PolicyCode.NOT_PERMITTED


wrappers = st.sampled_from(
    ["{0}", "({0})", "{0}::VARCHAR", "COALESCE({0}, '')", "TRIM({0})", "UPPER({0})", "IFF(TRUE, {0}, 'a')"]
)


@given(
    st.lists(wrappers.filter(lambda w: "MAX" not in w), max_size=5), st.integers(0, 3), st.sampled_from(COLUMNS[2:5])
)
def test_no_wrapping_hides_a_mask_and_none_makes_a_value_one(wraps: list[str], depth: int, column: str) -> None:
    for text, code in (("'***'", "masked_value"), ("'ada'", None)):
        value, query = text, "SELECT {0} AS v"
        for wrap in wraps:
            value = wrap.format(value)
        query = query.format(value)
        for _ in range(depth):
            query = f"SELECT v FROM ({query}) AS q"
        assert code_of(f"UPDATE people SET {column} = ({query}) WHERE id = 1") == code
        assert code_of(f"INSERT INTO people (id, {column}) WITH w AS ({query}) SELECT 1, v FROM w") == code


def test_what_the_text_makes_is_refused_without_a_look_at_values_and_by_no_rule() -> None:
    statement = ENGINE.understand("UPDATE people SET email = CHR(42) || CHR(42) || CHR(42) WHERE id = 1")
    denied = ENGINE.decide(Principal(Subject("ada"), "agent", "iss"), statement)
    assert isinstance(denied, Deny)
    assert (denied.code, denied.determining) == (PolicyCode.MASKED_VALUE, frozenset())


def test_an_asterisk_in_a_value_that_is_a_piece_of_constants_alone_is_one_of_a_mask() -> None:
    assert code_of("UPDATE people SET email = ? || ? WHERE id = 1", "a*", "b") == PolicyCode.MASKED_VALUE
    assert code_of("UPDATE people SET email = ? || ? WHERE id = 1", "a", "b") is None


def test_an_empty_text_is_the_result_of_no_constant() -> None:
    assert not is_made_by(Constant(""), "")
    assert is_made_by(Constant("x"), "x")
