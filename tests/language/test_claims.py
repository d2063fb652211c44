"""Row filters that speak of the caller: bound to each one's claims, never spliced, and no rows without the claim."""

from collections.abc import Iterator

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from policy.decision import Deny
from policy.engine import Engine
from policy.principal import ClaimValue, Principal
from policy.report import verdict_on
from policy.yaml_source import PolicyDocumentError
from tests.language.worlds import HEAD, PERMITS, engine, person

SQL = "SELECT id FROM people ORDER BY id"
ROWS = [(1, "EU"), (2, "US"), (3, "it's"), (4, "5"), (5, None)]


def filtered(where: str) -> Engine:
    return engine(PERMITS, f"{HEAD}row_filters:\n  - id: own\n    tables: [D.S.PEOPLE]\n    where: |\n      {where}\n")


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS d; CREATE SCHEMA d.s")
        connection.execute("CREATE TABLE d.s.people (id INT, full_name TEXT, email TEXT, region TEXT)")
        for id_, region in ROWS:
            connection.execute("INSERT INTO d.s.people VALUES (?, 'n', 'e@x', ?)", [id_, region])
        yield connection


def met(database: duckdb.DuckDBPyConnection, by: Engine, who: Principal) -> list[int]:
    """The people whom `who` meets."""
    sql = verdict_on(by, who, SQL).sql
    assert sql is not None
    return [id_ for (id_,) in database.execute(sqlglot.transpile(sql, read="snowflake", write="duckdb")[0]).fetchall()]


REGION = "region = principal.claims.region"
MET: list[tuple[str, dict[str, ClaimValue], list[int]]] = [
    (REGION, {"region": "EU"}, [1]),
    (REGION, {"region": "US"}, [2]),
    (REGION, {"region": "it's"}, [3]),
    (REGION, {"region": 5}, [4]),
    (REGION, {"region": "x' OR 'a' = 'a"}, []),
    (REGION, {"region": "EU' --"}, []),
    (REGION, {"region": ""}, []),
    (REGION, {}, []),
    (REGION, {"region": ("EU", "US")}, []),
    (REGION, {"region": ("EU",)}, [1]),
    (REGION, {"region": ()}, []),
    (REGION, {"region": "E\nU"}, []),
    (REGION, {"region": "x" * 1_001}, []),
    (REGION, {"REGION": "EU"}, []),
    (f"NOT ({REGION})", {}, []),
    (f"{REGION} OR TRUE", {}, []),
    (f"{REGION} OR id = 2", {"region": "EU"}, [1, 2]),
    ("COALESCE(region = principal.claims.region, TRUE)", {}, []),
    ("region IN (principal.claims.regions)", {"regions": ("EU", "US")}, [1, 2]),
    ("region IN ('5', principal.claims.regions)", {"regions": ("EU", "it's")}, [1, 3, 4]),
    ("region IN (principal.claims.regions)", {"regions": "EU"}, [1]),
    ("region NOT IN (principal.claims.regions)", {"regions": ("EU", "US")}, [3, 4]),
    ("region NOT IN (principal.claims.regions)", {}, []),
    ("region NOT IN (principal.claims.regions)", {"regions": ()}, []),
    ("principal.claims.admin = 'true'", {"admin": True}, [1, 2, 3, 4, 5]),
    ("principal.claims.admin = 'true'", {"admin": False}, []),
    ("principal.claims.admin = 'true'", {}, []),
    ('region = principal.claims."https://x.example/region"', {"https://x.example/region": "EU"}, [1]),
    ("principal.subject = 'ada' AND principal.actor = 'robot' AND id = 1", {}, [1]),
    ("principal.issuer = 'https://elsewhere.example'", {}, []),
]


@pytest.mark.parametrize(("where", "claims", "expected"), MET)
def test_a_caller_meets_the_rows_of_their_claims(
    database: duckdb.DuckDBPyConnection, where: str, claims: dict[str, ClaimValue], expected: list[int]
) -> None:
    assert met(database, filtered(where), person(claims=claims)) == expected


def test_people_who_differ_in_a_claim_share_no_decision(database: duckdb.DuckDBPyConnection) -> None:
    by = filtered(REGION)
    for _ in range(2):
        for region, expected in (("EU", [1]), ("US", [2]), ("EU", [1])):
            assert met(database, by, person(claims={"region": region})) == expected
        assert met(database, by, person()) == []


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=60)
    | st.sampled_from(["$$", "\\", "\\'", "'", "''", "\\\\'", "--", "/*", "*/", "?", ":a", "{{x}}"])
)
def test_any_text_of_a_claim_stays_one_literal(value: str) -> None:
    verdict = verdict_on(filtered(REGION), person(claims={"region": value}), SQL)
    if isinstance(verdict.decision, Deny):
        return  # what the printer cannot be trusted with is refused whole
    assert verdict.sql is not None
    tree = sqlglot.parse_one(verdict.sql, dialect="snowflake")
    plain = sqlglot.parse_one(
        str(verdict_on(filtered(REGION), person(claims={"region": "PLAIN"}), SQL).sql), dialect="snowflake"
    )
    literals = [node for node in tree.find_all(exp.Literal) if node.this == value and node.is_string]
    if literals:
        for literal in literals:
            literal.set("this", "PLAIN")
        assert tree == plain
    else:
        assert tree.find(exp.Boolean) is not None, "a value that is not fit to be used meets no row"


@pytest.mark.parametrize(
    "where",
    [
        "region = claims.region",
        "region = principal.claims",
        "region = principal.groups",
        "region = principal.claims.a.b",
        "people.region = 'EU'",
        "region = :region",
        "region = (SELECT principal.claims.region)",
    ],
)
def test_what_is_no_claim_and_no_column_is_an_error_of_the_policy(where: str) -> None:
    with pytest.raises(PolicyDocumentError):
        filtered(where)


def test_a_column_that_a_filter_needs_and_a_table_lacks_refuses_with_claims_too() -> None:
    verdict = verdict_on(filtered("nope = principal.claims.region"), person(claims={"region": "EU"}), SQL)
    assert isinstance(verdict.decision, Deny)
