"""What the parser cannot print is said in plainer words; what would be lost or misread is refused, by name."""

import json

import pytest

from policy.catalog_document import from_document, to_document
from policy.document import load
from policy.engine import Engine
from policy.report import judge, verdict_on
from tests.corpus.cases import HERE
from tests.corpus.world import READER, engine

POLICY = (HERE / "policy.yaml").read_text(encoding="utf-8")


def _sql(text: str, of: Engine | None = None) -> str:
    verdict = judge(of or engine(), READER, text, "")
    return str(verdict["sql"] or verdict["code"])


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("SELECT $1 FROM VALUES (1)", 'SELECT COLUMN1 AS "$1" FROM (VALUES (1))'),
        ("SELECT v.$2 + 1 FROM (VALUES (1, 2)) v", "SELECT v.COLUMN2 + 1 FROM (VALUES (1, 2)) AS v"),
        ("SELECT 1 FROM DUAL", "SELECT 1"),
        ('SELECT 1 FROM "DUAL" d WHERE 1 = 1', "SELECT 1 WHERE 1 = 1"),
        ("SELECT 1 OFFSET 2", "SELECT 1 LIMIT NULL OFFSET 2"),
        ("SELECT TRUE IS NOT TRUE", "SELECT NOT TRUE IS NOT DISTINCT FROM TRUE"),
        ("SELECT 1 IS NULL", "SELECT 1 IS NULL"),
        ("SELECT TO_CHAR(CURRENT_DATE, 'YYYY\"T\"FF3')", "SELECT TO_CHAR(CURRENT_DATE, 'YYYY\"T\"FF3')"),
        ("SELECT TO_NUMBER('1', 38, 0)", "SELECT TO_NUMBER('1', 38, 0)"),
        ("SELECT TRY_TO_NUMBER('1', '9', 3, 0)", "SELECT TRY_TO_NUMBER('1', '9', 3, 0)"),
        ("SELECT ARRAY_SORT([1], FALSE, TRUE)", "SELECT ARRAY_SORT([1], FALSE, TRUE)"),
        ("SELECT '1'::REAL, [1]::VECTOR(FLOAT, 1)", "SELECT CAST('1' AS DOUBLE), CAST([1] AS VECTOR(FLOAT, 1))"),
        ("SELECT INITCAP('a b', ' ')", "SELECT INITCAP('a b', ' ')"),
        ("SELECT +1, 2 + +3", "SELECT 1, 2 + 3"),
        ("SELECT 1 UNION DISTINCT SELECT 2", "SELECT 1 UNION SELECT 2"),
        ("VALUES (1), (2)", "VALUES (1), (2)"),
        ("SELECT PARSE_JSON('{}'):a[1 + 1]", "SELECT GET_PATH(PARSE_JSON('{}'), 'a')[1 + 1]"),
        ("SELECT {'a': {'-': ['$']}}", "SELECT OBJECT_CONSTRUCT('a', OBJECT_CONSTRUCT('-', ['$']))"),
        ("SELECT PARSE_XML('<a/>'):\"$\"", "SELECT GET_PATH(PARSE_XML('<a/>'), '[\"$\"]')"),
    ],
)
def test_an_idiom_is_printed_in_words_that_mean_the_same(written: str, printed: str) -> None:
    assert _sql(written) == printed


@pytest.mark.parametrize(
    "written",
    [
        "SELECT $1 FROM nation",
        "SELECT $1 FROM (SELECT * FROM nation)",
        "SELECT $1 FROM VALUES (1) JOIN nation ON TRUE",
        "SELECT $1 FROM (VALUES (1)) AS v(a)",
        "SELECT (SELECT $1) FROM VALUES (1)",
        "SELECT $x FROM VALUES (1)",
    ],
)
def test_a_position_of_anything_but_values_stays_refused(written: str) -> None:
    assert _sql(written) == "construct_not_allowed"


@pytest.mark.parametrize(
    "written",
    [
        "SELECT * FROM dual",
        "SELECT 1 FROM dual, nation",
        "SELECT 1 FROM dual, LATERAL FLATTEN(INPUT => [1]) f",
        "SELECT 1 FROM gw.public.dual",
        "SELECT 1 FROM dual SAMPLE (10)",
        "SELECT 1 FROM IDENTIFIER('dual')",
        'SELECT 1 FROM "dual"',
    ],
)
def test_dual_is_nothing_but_a_source_without_columns(written: str) -> None:
    assert _sql(written) == "object_not_found"


def test_somebodys_own_table_of_that_name_is_read() -> None:
    document = to_document(engine().catalog)
    document["GW"]["PUBLIC"]["DUAL"] = {"kind": "table", "columns": [{"name": "A", "type": "NUMBER(38,0)"}]}
    theirs = Engine(load(POLICY), from_document(json.loads(json.dumps(document))))
    assert '"GW"."PUBLIC"."DUAL"' in _sql("SELECT 1 FROM dual", theirs)
    assert '"__GW_C1" AS dual' in _sql("WITH dual AS (SELECT n_name FROM nation) SELECT n_name FROM dual")
    nowhere = Engine(load(POLICY.replace("defaults: {database: GW, schema: PUBLIC}\n", "")), engine().catalog)
    assert _sql("SELECT 1 FROM dual", nowhere) == "SELECT 1"


@pytest.mark.parametrize(
    ("written", "piece"),
    [
        ("SELECT BITAND(1, 1, 2, 2)", "2"),
        ("SELECT ARRAY_SLICE([1], 0, 1, TRUE)", "TRUE"),
        ("SELECT ARRAY_APPEND([1], 2, NULL)", "NULL"),
        ("SELECT ARRAY_TO_STRING([1], ',', ',')", ","),
        ("SELECT LENGTH(n_name, '', '') FROM nation", ""),
        ("SELECT ADD_MONTHS(o_orderdate, o_orderkey, o_orderkey) FROM orders", "o_orderkey"),
        ("SELECT '2024'::TIMESTAMP WITHOUT TIME ZONE", "WITHOUT"),
    ],
)
def test_an_argument_that_would_be_lost_is_named(written: str, piece: str) -> None:
    told = verdict_on(engine(), READER, written)
    assert getattr(told.decision, "code", None) == "unfaithful_print"
    assert f"`{piece}` would be lost" in getattr(told.decision, "message", "")
    assert told.at is not None
    assert written[told.at :].startswith((piece, f"'{piece}"))


@pytest.mark.parametrize(
    "written",
    [
        "SELECT NULL::FILE",
        "SELECT NULL::INET",
        "SELECT NULL::JSONB",
        "SELECT CAST('x' AS INT128)",
        "SELECT TRY_CAST('x' AS UNKNOWN)",
        "SELECT NULL::ARRAY(FILE)",
        "SELECT NULL::OBJECT(a FILE)",
    ],
)
def test_a_type_that_is_none_of_the_known_ones_is_refused(written: str) -> None:
    assert _sql(written) == "construct_not_allowed"


def test_an_object_has_keys_or_is_a_star() -> None:
    assert _sql("SELECT {n.*} FROM nation n").startswith("SELECT {n.*}")
    assert _sql("SELECT {'a': 1}") == "SELECT OBJECT_CONSTRUCT('a', 1)"
    for written in ("SELECT {{n_name}} FROM nation", "SELECT {n_name} FROM nation", "SELECT {'a': 1, *} FROM nation"):
        assert _sql(written) == "construct_not_allowed"


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("SELECT 2 ^ 3", "POWER(a, b)"),
        ("SELECT 'a' 'b'", "||"),
        ("SELECT [**tags] FROM docs", "ARRAY_CAT"),
        ("SELECT e_data ->> 'a' FROM events", "x:path::VARCHAR"),
        ("SELECT DATE '2024-01-02'::VARCHAR", "(DATE"),
        ("SELECT n_name FROM nation SEMI JOIN region ON TRUE", "EXISTS"),
        ("SELECT STRING_AGG(n_name) FROM nation", "LISTAGG"),
        ("SELECT `n_name` FROM nation", "double quotes"),
        ("SHOW TABLES", "describe_schema"),
        ("MERGE INTO region", "correct the syntax"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(written: str, instead: str) -> None:
    assert instead in getattr(verdict_on(engine(), READER, written).decision, "hint", "")
