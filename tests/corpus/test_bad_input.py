"""Hostile text is turned away with a stable code, quickly, and leaves the engine as it was."""

import tracemalloc

import pytest

from policy.refusal import PolicyCode, PolicyRefusal
from policy.report import judge
from tests.corpus.world import WRITER, engine
from tests.support.timing import cpu_s


def _nested(before: str, after: str, times: int, inside: str = "SELECT 1") -> str:
    return before * times + inside + after * times


MEMORY_MAX_BYTES = 100_000_000
HOSTILE = {
    "joins that wait in brackets": (
        _nested("SELECT 1 FROM nation a " + "LEFT JOIN region b " * 7 + "LEFT JOIN (", ") c", 3),
        PolicyCode.STATEMENT_TOO_DEEP,
    ),
    "limits in limits": (_nested("(SELECT 1 LIMIT ", ")", 20, "1"), PolicyCode.STATEMENT_TOO_DEEP),
    "pivots in pivots": (
        _nested("SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (", "))", 16),
        PolicyCode.STATEMENT_TOO_DEEP,
    ),
    "laterals in laterals": (_nested("SELECT 1 FROM nation, LATERAL (", ")", 20), PolicyCode.STATEMENT_TOO_DEEP),
    "empty": ("", PolicyCode.EMPTY_STATEMENT),
    "spaces": (" \n\t ", PolicyCode.EMPTY_STATEMENT),
    "semicolons": (";;;", PolicyCode.EMPTY_STATEMENT),
    "comment": ("-- nothing", PolicyCode.EMPTY_STATEMENT),
    "two": ("SELECT 1; SELECT 2", PolicyCode.NOT_ONE_STATEMENT),
    "nul": ("SELECT 1\0", PolicyCode.SYNTAX_ERROR),
    "bell": ("SELECT '\a'", PolicyCode.SYNTAX_ERROR),
    "surrogate": ("SELECT '\ud800'", PolicyCode.SYNTAX_ERROR),
    "override": ("SELECT '\u202e'", PolicyCode.SYNTAX_ERROR),
    "string": ("SELECT 'abc", PolicyCode.SYNTAX_ERROR),
    "words": ("please show me all customers", PolicyCode.SYNTAX_ERROR),
    "megabyte": ("SELECT " + "1," * 500_000 + "1", PolicyCode.STATEMENT_TOO_LONG),
    "tokens": ("SELECT " + "1," * 20_000 + "1", PolicyCode.STATEMENT_TOO_LONG),
    "brackets": ("SELECT " + "(" * 5_000, PolicyCode.STATEMENT_TOO_DEEP),
    "closed": ("SELECT " + "(" * 200 + "1" + ")" * 200, PolicyCode.STATEMENT_TOO_DEEP),
    "nots": ("SELECT " + "NOT " * 6_000 + "TRUE", PolicyCode.STATEMENT_TOO_DEEP),
    "minuses": ("SELECT " + "- " * 6_000 + "1", PolicyCode.STATEMENT_TOO_DEEP),
    "sums": ("SELECT 1" + "+1" * 3_000, PolicyCode.STATEMENT_TOO_DEEP),
    "unions": ("SELECT 1" + " UNION SELECT 1" * 2_000, PolicyCode.STATEMENT_TOO_DEEP),
    "cases": ("SELECT " + "CASE WHEN 1 THEN " * 500 + "1" + " END" * 500, PolicyCode.STATEMENT_TOO_DEEP),
    "joins": ("SELECT 1 FROM t" + " JOIN t" * 40, PolicyCode.STATEMENT_TOO_DEEP),
    "hidden joins": ("SELECT 1 FROM t" + " JOIN (SELECT 1 FROM t JOIN t ON 1 = 1)" * 40, PolicyCode.STATEMENT_TOO_DEEP),
    "type calls": ("SELECT " + "DATE(" * 40 + "1" + ")" * 40, PolicyCode.STATEMENT_TOO_DEEP),
    "aliases that double": (
        "SELECT 'x' AS a0, " + ", ".join(f"a{n} || a{n} AS a{n + 1}" for n in range(40)),
        PolicyCode.STATEMENT_TOO_DEEP,
    ),
    "aliases that double in a condition": (
        "SELECT 1 FROM (SELECT 1 AS a0, " + ", ".join(f"IFF(a{n} > 1, a{n}, 2) AS a{n + 1}" for n in range(30)) + ")",
        PolicyCode.STATEMENT_TOO_DEEP,
    ),
    "columns that double": (
        "WITH c0 AS (SELECT * FROM region)"
        + "".join(f", c{n + 1} AS (SELECT * FROM c{n} a, c{n} b)" for n in range(24))
        + " SELECT 1 FROM c24",
        PolicyCode.STATEMENT_TOO_DEEP,
    ),
    "columns that double in brackets": (
        _nested("SELECT * FROM (", ") a JOIN (SELECT * FROM region a, region b, region c, region d) z ON TRUE", 7, "1")
        .replace("(1)", f"(SELECT * FROM {', '.join(f'nation n{n}' for n in range(400))})")
        .replace("SELECT * FROM (", f"SELECT {', '.join(['*'] * 30)} FROM (", 1),
        PolicyCode.STATEMENT_TOO_DEEP,
    ),
    "one thing joined with itself": (
        "WITH c AS (SELECT "
        + ", ".join(["*"] * 1_500)
        + " FROM region) SELECT * FROM "
        + ", ".join(f"c c{n}" for n in range(400)),
        PolicyCode.STATEMENT_TOO_DEEP,
    ),
    "tables": ("SELECT 1 FROM " + ", ".join(f"region r{n}" for n in range(600)), PolicyCode.STATEMENT_TOO_DEEP),
    "casts": ("SELECT 1" + "::INT" * 3_000, PolicyCode.STATEMENT_TOO_DEEP),
}


@pytest.mark.parametrize(("text", "code"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_refused_in_time(text: str, code: PolicyCode) -> None:
    def refused() -> None:
        with pytest.raises(PolicyRefusal) as caught:
            engine().understand(text)
        assert caught.value.code is code

    assert cpu_s(refused) < 0.5  # some 50 ms alone
    assert engine().understand("SELECT 1").binds == 0


@pytest.mark.parametrize(
    "name",
    ["tokens", "megabyte", "sums", "unions", "nots", "casts", "aliases that double", "columns that double",
     "one thing joined with itself"],
)  # fmt: skip
def test_hostile_text_takes_little_memory(name: str) -> None:
    text, _ = HOSTILE[name]
    tracemalloc.start()
    try:
        with pytest.raises(PolicyRefusal):
            engine().understand(text + " ")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY_MAX_BYTES


def _many(unit: str, times: int, head: str, tail: str = " FROM region", by: str = ", ") -> str:
    return head + by.join(unit.format(n) for n in range(times)) + tail


def _in_each_other(
    times: int, before: str, after: str, inside: str = "SELECT r_name AS a, r_name AS b FROM region"
) -> str:
    return before * times + inside + after * times


def _pieces(apart: str, pieces: int = 200) -> str:
    """A name of pieces, each shorter than the one before it, that `apart` divides."""
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 160))) * 4
    return apart.join(letters[(37 * n) % 160 :][: pieces - n] for n in range(pieces))


def _spelled(number: int) -> str:
    """A name of 60 characters, much like that of any other number."""
    return f"{number * 65:020b}".replace("0", "aab").replace("1", "aba")


LARGE = {
    "a name like another": f"SELECT q.{_pieces('a')} FROM (SELECT 1 AS {_pieces('b')}) q",
    "a name like many others": f"SELECT q.{_spelled(7_919)} FROM (SELECT "
    + ", ".join(f"1 AS {_spelled(n)}" for n in range(3_000, 3_900)) + ") q",
    "values": _many("'{}'", 3_400, "SELECT r_name FROM region WHERE r_name IN (", ")"),
    "columns": _many("r_name", 3_400, "SELECT "),
    "aliases": _many("r_name AS a{}", 1_700, "SELECT "),
    "unknown columns": _many("zz{}", 3_400, "SELECT "),
    "subqueries": _many("(SELECT MAX(r_name) FROM region)", 490, "SELECT "),
    "expressions": _many("c{} AS (SELECT 1 AS x)", 600, "WITH ", " SELECT 1"),
    "a chain of expressions": "WITH c0 AS (SELECT 1 AS x)"
    + "".join(f", c{n + 1} AS (SELECT x FROM c{n})" for n in range(450)) + " SELECT x FROM c450",
    "tables": _many("region r{}", 490, "SELECT r0.r_name FROM ", ""),
    "windows": _many("SUM(r_regionkey) OVER (PARTITION BY r_name ORDER BY r_regionkey)", 400, "SELECT "),
    "unions": _many("SELECT r_name FROM region", 380, "", "", " UNION ALL "),
    "rows": _many("({}, 'a')", 1_100, "INSERT INTO region (r_regionkey, r_name) VALUES ", ""),
    "branches": _many("WHEN MATCHED AND n_nationkey = {} THEN UPDATE SET r_name = 'x'", 390,
                      "MERGE INTO region USING nation ON r_regionkey = n_regionkey ", "", " "),
    "laterals": _many("LATERAL FLATTEN(INPUT => r_name) f{}", 390, "SELECT 1 FROM region, ", ""),
    "cases": _many("WHEN r_regionkey = {0} THEN {0}", 990, "SELECT CASE ", " END FROM region", " "),
    "subqueries that double": _in_each_other(25, "SELECT a||b AS a, b||a AS b FROM (", ")"),
    "subqueries in each other": _in_each_other(29, "SELECT * FROM (", ")"),
    "conditions in each other": _in_each_other(29, "SELECT 1 AS a FROM region WHERE EXISTS (", ")"),
    "one long string": "SELECT '" + "a" * 64_000 + "' FROM region",
    "one long name": 'SELECT "' + "a" * 64_000 + '" FROM region',
    "quotes": "SELECT '" + "''" * 32_000 + "' FROM region",
    "comments": "SELECT 1 " + "/* x */ " * 8_000,
}  # fmt: skip
"""Near the bounds of size, of one thing each; what a star or an alias multiplies is in HOSTILE."""


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_large_text_is_judged_or_refused_in_time(text: str) -> None:
    assert len(text) <= 65_536
    assert cpu_s(lambda: judge(engine(), WRITER, text, "")) < 1.0  # at most 100 ms alone


def test_many_aliases_that_use_each_other_once_are_no_attack() -> None:
    chain = ", ".join(f"a{n} + 1 AS a{n + 1}" for n in range(100))
    assert engine().understand(f"SELECT 1 AS a0, {chain}").binds == 0


def test_a_long_list_of_values_is_no_attack() -> None:
    values = ", ".join(map(str, range(3_000)))
    assert engine().understand(f"SELECT n_name FROM nation WHERE n_nationkey IN ({values})").literals


def test_a_refusal_says_where() -> None:
    text = "SELECT n_name,\n  my_udf(1)\nFROM nation"
    with pytest.raises(PolicyRefusal) as caught:
        engine().understand(text)
    assert caught.value.at == text.index("my_udf")


@pytest.mark.parametrize(
    ("text", "parameters", "is_write", "code"),
    [
        ("SELECT 1", 0, True, PolicyCode.WRONG_TOOL),
        ("DELETE FROM region WHERE r_regionkey = 1", 0, False, PolicyCode.WRONG_TOOL),
        ("SELECT ?", 0, False, PolicyCode.BAD_PARAMETERS),
        ("SELECT ?, ?", 1, False, PolicyCode.BAD_PARAMETERS),
        ("SELECT 1", 1, False, PolicyCode.BAD_PARAMETERS),
        ("SELECT :1", 1, False, PolicyCode.BAD_PARAMETERS),
        ("SELECT :name", 1, False, PolicyCode.BAD_PARAMETERS),
        ("DROP SCHEMA region", 0, True, PolicyCode.STATEMENT_NOT_ALLOWED),
    ],
)
def test_the_tool_and_the_parameters_must_fit(text: str, parameters: int, is_write: bool, code: PolicyCode) -> None:
    with pytest.raises(PolicyRefusal) as caught:
        engine().parse(text, parameters=parameters, is_write=is_write)
    assert caught.value.code is code
