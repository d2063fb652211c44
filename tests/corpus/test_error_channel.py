"""Errors over rows that a filter hides, on an engine that is known to evaluate before it filters.

PostgreSQL runs a cheap condition before an expensive filter, so a guess about a hidden row can end in an error
(https://www.postgresql.org/docs/current/rules-privileges.html); DuckDB does not, and would prove nothing.
"""

from collections.abc import Iterator

import psycopg
import pytest

from policy.catalog_document import from_document
from policy.document import load
from policy.engine import Engine
from policy.report import judge
from tests.corpus.world import READER
from tests.support.databases import Databases, driver_dsn

POLICY = """
version: 1
defaults: {{database: D, schema: S}}
roles: [{{id: all, who: {{anyone: true}}, read_role: RO, warehouse: W}}]
public: ["*.*.*.*"]
functions: {{allow: [IS_MINE]}}
row_filters: [{{id: mine, tables: ["D.S.STAFF"], where: "IS_MINE(region)", native_row_policy: {native}}}]
rules: [{{id: read, effect: permit, who: {{anyone: true}}, verbs: [read], tables: ["*.*.*"]}}]
"""
CATALOG = {"D": {"S": {"STAFF": {"ID": "NUMBER(38,0)", "REGION": "VARCHAR", "BADGE": "VARCHAR"}}}}
MADE = """
CREATE SCHEMA "S";
CREATE TABLE "S"."STAFF" ("ID" int, "REGION" text, "BADGE" text);
INSERT INTO "S"."STAFF" VALUES (1, 'US', '7'), (2, 'EU', 'x2');
CREATE FUNCTION is_mine(region text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN region = 'US'; END $$;
"""
PROBES = (
    """SELECT COUNT(*) FROM staff WHERE 1 / (CASE WHEN "BADGE" = '{guess}' THEN 0 ELSE 1 END) = 1""",
    """SELECT COUNT(*) FROM staff WHERE (CASE WHEN "BADGE" = '{guess}' THEN "BADGE" ELSE '1' END)::INT = 1""",
    """SELECT COUNT(*) FROM staff WHERE LN(IFF("BADGE" = '{guess}', 0, 1)) = 0""",
    """SELECT COUNT(*) FROM staff WHERE "ID" = 2 AND 1 / (POSITION('{guess}' IN "BADGE") - 1) IS NULL""",
)


def _engine(*, native: bool) -> Engine:
    return Engine(load(POLICY.format(native=str(native).lower())), from_document(CATALOG))


@pytest.fixture(scope="module")
def postgres(databases: Databases) -> Iterator[psycopg.Connection]:
    with databases.fresh() as url, psycopg.connect(driver_dsn(url), autocommit=True) as connection:
        connection.execute(MADE)
        yield connection


def _outcome(postgres: psycopg.Connection, engine: Engine, sql: str) -> object:
    verdict = judge(engine, READER, sql, "")
    assert verdict["decision"] == "permit", verdict
    text = verdict["sql"].replace('"D".', "").replace("IFF(", "iff(")
    try:
        return postgres.execute(text).fetchall()
    except psycopg.Error as error:
        return type(error).__name__


@pytest.fixture(scope="module", autouse=True)
def _iff(postgres: psycopg.Connection) -> None:
    postgres.execute(
        "CREATE FUNCTION iff(bool, int, int) RETURNS int LANGUAGE sql IMMUTABLE "
        "AS 'SELECT CASE WHEN $1 THEN $2 ELSE $3 END'"
    )
    postgres.execute("CREATE FUNCTION charindex(text, text) RETURNS int LANGUAGE sql AS 'SELECT position($1 in $2)'")


@pytest.mark.parametrize("probe", PROBES)
def test_no_error_tells_a_value_of_a_hidden_row(postgres: psycopg.Connection, probe: str) -> None:
    guarded = _engine(native=False)
    right, wrong = (_outcome(postgres, guarded, probe.format(guess=guess)) for guess in ("x2", "x3"))
    assert right == wrong
    assert not isinstance(right, str)


def test_the_engine_would_have_told_it_otherwise(postgres: psycopg.Connection) -> None:
    left_to_snowflake = _engine(native=True)
    told = [
        _outcome(postgres, left_to_snowflake, probe.format(guess="x2"))
        != _outcome(postgres, left_to_snowflake, probe.format(guess="x3"))
        for probe in PROBES
    ]
    assert any(told)


def test_a_native_policy_leaves_the_columns_as_they_are() -> None:
    sql = judge(_engine(native=True), READER, "SELECT id FROM staff", "")["sql"]
    assert '(SELECT "__GW_R"."ID" AS "ID" FROM' in sql
    assert "CASE WHEN" in judge(_engine(native=False), READER, "SELECT id FROM staff", "")["sql"]
