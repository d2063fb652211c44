"""A template says of a text exactly what understanding it in full would say, or nothing."""

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy import templates as remembering
from policy.decision import Deny, Permit, RunSql
from policy.engine import Engine
from policy.positions import piece_at, position_of
from policy.refusal import PolicyCode, PolicyRefusal
from policy.statement import SqlStatement
from policy.syntax import Parsed, parse_one
from policy.template import blanked, cut, template_of
from policy.templates import (
    BLANKS_MAX,
    OUTPUTS_MAX,
    PLACES_MAX,
    TEMPLATE_CHARACTERS_MAX,
    TEMPLATES_REMEMBERED,
    Templates,
)
from policy.understand import understand
from tests.corpus.cases import attacks, statements
from tests.corpus.world import READER, engine
from tests.deciding.variants import agrees, learned, made, varied
from tests.support.scores import Score

TIMES, SEED = 25, 11
FILLED_MIN = 500

full = partial(
    understand,
    tables=engine().catalog.tables,
    defaults=engine().policy.defaults,
    opened=engine().policy.functions,
    observing=True,
)
"""Understanding in full, as under a policy that asks for all that can be known."""

COLUMNS = st.sampled_from(["n_name", "n.n_nationkey", "n_regionkey", '"N_NAME"', "length(n_name)", "n_nationkey + 1"])
LITERALS = st.sampled_from(
    ["'SUM'", "'a ABS'", "1", "2", "5", "'a'", "'b c'", "'5'", "'%'", "1.0", "DATE '2026-01-31'", "'1'::INT", "-1"]
)
SIGNS = st.sampled_from(["=", "<>", "!=", ">", ">=", "<", "<=", "LIKE", "IS DISTINCT FROM"])
COMPARISONS = st.one_of(
    st.builds("{} {} {}".format, COLUMNS, SIGNS, LITERALS),
    st.builds("{} = {}".format, LITERALS, COLUMNS),
    st.builds("{} BETWEEN {} AND {}".format, COLUMNS, LITERALS, LITERALS),
    st.builds("{} BETWEEN {} ({})".format, COLUMNS, LITERALS, LITERALS),
    st.builds("{} IN ({}, {})".format, COLUMNS, LITERALS, LITERALS),
    st.builds("{} % {} = {}".format, COLUMNS, LITERALS, LITERALS),
    st.builds("EXISTS (SELECT {} FROM region WHERE r_name = {})".format, LITERALS, LITERALS),
    st.sampled_from(["TRUE", "n_name IS NULL", "n_name", "1 = 1"]),
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds("{} AND {}".format, inner, inner),
        st.builds("{} OR {}".format, inner, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("({})".format, inner),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, inner, inner, inner),
    ),
    max_leaves=5,
)
TAILS = st.lists(
    st.one_of(
        st.builds("LIMIT {}".format, LITERALS),
        st.just("ORDER BY 1"),
        st.builds("GROUP BY n_regionkey, 1 HAVING COUNT(*) >= {}".format, LITERALS),
        st.builds("QUALIFY ROW_NUMBER() OVER (ORDER BY n_name) = {}".format, LITERALS),
    ),
    max_size=2,
).map(" ".join)
SHOWN = st.one_of(
    st.sampled_from(["n_name", "COUNT(*) AS c", "COUNT(*) AS c, n_regionkey", "n_regionkey AS n_name", "*"]),
    st.builds("{} AS v, n_name".format, LITERALS),
    st.builds("n_nationkey % {} AS v".format, LITERALS),
    st.builds("CASE WHEN {} THEN {} END AS v".format, COMPARISONS, LITERALS),
)
SOURCES = st.one_of(
    st.sampled_from(["nation AS n", "nation n SAMPLE (10)", "IDENTIFIER('nation') AS n", "nowhere AS n"]),
    st.builds("nation n JOIN region ON n_regionkey = r_regionkey AND {}".format, CONDITIONS),
    st.builds("(SELECT * FROM nation WHERE {} LIMIT {}) AS n".format, CONDITIONS, LITERALS),
    st.builds("nation AT(OFFSET => -{}) AS n".format, st.integers(1, 60)),
)
QUERIES = st.one_of(
    st.builds("SELECT {} FROM {} WHERE {} {}".format, SHOWN, SOURCES, CONDITIONS, TAILS),
    st.builds(
        "WITH n AS (SELECT * FROM nation WHERE {}) SELECT {} FROM n WHERE {}".format, CONDITIONS, SHOWN, CONDITIONS
    ),
)


@given(QUERIES, st.integers(0, 2**32))
@example("SELECT n_name FROM nation WHERE n_name = 'a' OR n_name <> 'b'", 0)
def test_it_says_what_understanding_in_full_says(query: str, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a reproducible choice
    templates = learned(full, [query, *(varied(query, dice, share=0.4) for _ in range(8))] * 3)
    for _ in range(8):
        text = varied(query, dice, share=0.5)
        try:
            agrees(templates, full, text)
        except PolicyRefusal:
            pytest.fail(f"filled, and refused in full: {text}")


def test_it_says_so_of_every_statement_of_the_corpora(score: Score) -> None:
    dice = random.Random(SEED)  # noqa: S311 - a reproducible choice
    templates = filled = 0
    for text in [*(case.sql for case in attacks()), *(sql for _, sql in statements())]:
        if not cut(text).literals:
            continue
        known = learned(full, [text] * 3 + [varied(text, dice, share=0.4) for _ in range(4)])
        templates += made(known)
        if made(known):
            filled += sum(agrees(known, full, varied(text, dice, share=0.5)) for _ in range(TIMES))
    score(f"templates {templates} of the corpora, filled {filled} times as understood in full")
    assert filled >= FILLED_MIN


WHERE = "SELECT n_name FROM nation WHERE"
LETTERS = [f"{WHERE} n_name = '{letter}'" for letter in "abcd"]


def _meet(templates: Templates, texts: Sequence[str]) -> None:
    """Let `templates` learn of `texts`; raises what learning raises."""
    for text in texts:
        templates.learn(text, full(text))


@pytest.mark.parametrize(
    ("learn", "asked"),
    [
        (f"{WHERE} n_nationkey = 1", f"{WHERE} n_nationkey = 2"),
        (f"{WHERE} n_name = 'FRANCE' LIMIT 5", f"{WHERE} n_name = 'New York' LIMIT 5"),
        (f"{WHERE} n_name IN ('a', 'b') AND n_nationkey BETWEEN 1 AND 9", f"{WHERE} n_name IN ('x', 'y') AND n_nationkey BETWEEN 0 AND 7"),  # noqa: E501
        (f"{WHERE} n_nationkey = 1 AND n_regionkey = 1", f"{WHERE} n_nationkey = 3 AND n_regionkey = 3"),
        ("SELECT n_name FROM nation JOIN region ON n_regionkey = r_regionkey AND r_name = 'a'",
         "SELECT n_name FROM nation JOIN region ON n_regionkey = r_regionkey AND r_name = 'b'"),
        (f"{WHERE} n_name = 'a%s' OR n_name = 'b'", f"{WHERE} n_name = 'a%s' OR n_name = 'c'"),
        (f"{WHERE} n_nationkey BETWEEN 'a' AND ('b')", f"{WHERE} n_nationkey BETWEEN 'SUM' AND ('b')"),
        ("SELECT n_nationkey % 2 AS is_odd FROM nation WHERE n_nationkey = 1",
         "SELECT n_nationkey % 2 AS is_odd FROM nation WHERE n_nationkey = 3"),
        ("SELECT '100%' AS \"%s\", q.* FROM (SELECT n_name FROM nation WHERE n_nationkey = 1) q",
         "SELECT '100%' AS \"%s\", q.* FROM (SELECT n_name FROM nation WHERE n_nationkey = 2) q"),
    ],
)  # fmt: skip
def test_a_literal_that_is_compared_with_a_column_may_be_any(learn: str, asked: str) -> None:
    templates = learned(full, [learn] * 3)
    assert agrees(templates, full, learn)
    assert agrees(templates, full, asked)


MANY = tuple(", ".join(f"{first}{n}" for n in range(BLANKS_MAX + 1)) for first in "78")


@pytest.mark.parametrize(
    ("learn", "asked"),
    [
        (f"{WHERE} n_nationkey = 1 LIMIT 5", f"{WHERE} n_nationkey = 1 LIMIT 6"),
        ("SELECT n_name, n_nationkey FROM nation ORDER BY 1", "SELECT n_name, n_nationkey FROM nation ORDER BY 2"),
        (f"{WHERE} n_nationkey = 1 OR n_nationkey <> 2", f"{WHERE} n_nationkey = 1 OR n_nationkey <> 1"),
        (f"{WHERE} n_nationkey = 1 OR n_nationkey <> 1", f"{WHERE} n_nationkey = 1 OR n_nationkey <> 2"),
        (f"{WHERE} n_name = 'a' AND n_name <> 'b'", f"{WHERE} n_name = 'a' AND n_name <> 'A'"),
        (f"{WHERE} n_name = 'a' AND n_nationkey > 5", f"{WHERE} n_name = '5' AND n_nationkey > 5"),
        (f"{WHERE} n_name = 'a' LIMIT 5", f"{WHERE} n_name = '5' LIMIT 5"),
        (f"{WHERE} n_name LIKE 'a'", f"{WHERE} n_name LIKE 'b'"),
        (f"{WHERE} LENGTH(n_name) >= 1", f"{WHERE} LENGTH(n_name) >= 0"),
        (f"{WHERE} 1 = 2", f"{WHERE} 2 = 2"),
        (f"{WHERE} CASE WHEN n_nationkey = 1 THEN TRUE END", f"{WHERE} CASE WHEN n_nationkey = 2 THEN TRUE END"),
        ("SELECT n_name FROM IDENTIFIER('nation')", "SELECT n_name FROM IDENTIFIER('region')"),
        ("SELECT n_regionkey, COUNT(*) FROM nation WHERE n_nationkey > 2 GROUP BY 1 HAVING COUNT(*) >= 5",
         "SELECT n_regionkey, COUNT(*) FROM nation WHERE n_nationkey > 3 GROUP BY 1 HAVING COUNT(*) >= 5"),
        ("SELECT o_custkey FROM orders WHERE o_orderdate > '2026-01-31' GROUP BY 1 HAVING COUNT(*) >= 5",
         "SELECT o_custkey FROM orders WHERE o_orderdate > '2026-02-28' GROUP BY 1 HAVING COUNT(*) >= 5"),
        (f"{WHERE} n_nationkey = 1", f"{WHERE} n_nationkey = 01"),
        (f"{WHERE} n_nationkey = 1", f"{WHERE} n_nationkey = 0x1"),
        (f"{WHERE} n_nationkey = 1", f"{WHERE} n_nationkey = 1.5"),
        (f"{WHERE} n_nationkey = 1", f"{WHERE} n_nationkey = '1'"),
        (f"{WHERE} n_name = 'a'", f"{WHERE} n_name = 'it''s'"),
        (f"{WHERE} n_name = 'a'", f"{WHERE} n_name = '\\\\'"),
        (f"{WHERE} n_name = 'a'", f"{WHERE} n_name = 'a' OR 1 = 1"),
        (f"{WHERE} n_name = 'a'", f"{WHERE} n_name = 'a' -- 'b'"),
        (f"{WHERE} n_name = 'a' -- 'b'", f"{WHERE} n_name = 'a' -- 'c'"),
        (f"{WHERE} n_name = $$'a'$$", f"{WHERE} n_name = $$'b'$$"),
        (f"{WHERE} n_name = x'41'", f"{WHERE} n_name = x'42'"),
        ('SELECT n_name AS "1" FROM nation', 'SELECT n_name AS "2" FROM nation'),
        ('SELECT n_name AS "it is \'a\'" FROM nation', 'SELECT n_name AS "it is \'b\'" FROM nation'),
        (f"{WHERE} n_nationkey = (1)", f"{WHERE} n_nationkey = (2)"),
        (f"{WHERE} n_nationkey = 1::INT", f"{WHERE} n_nationkey = 2::INT"),
        (f"{WHERE} n_name = 'a' COLLATE 'de'", f"{WHERE} n_name = 'b' COLLATE 'de'"),
        ("SELECT n_nationkey = 1 AS is_one FROM nation", "SELECT n_nationkey = 2 AS is_one FROM nation"),
        (f"SELECT n.n_name FROM nation n{', nation' * PLACES_MAX} WHERE n.n_nationkey = 1",
         f"SELECT n.n_name FROM nation n{', nation' * PLACES_MAX} WHERE n.n_nationkey = 2"),
        (f"SELECT n.*{', n.*' * (OUTPUTS_MAX // 4)} FROM nation n WHERE n_nationkey = 1",
         f"SELECT n.*{', n.*' * (OUTPUTS_MAX // 4)} FROM nation n WHERE n_nationkey = 2"),
        ("SELECT nothing FROM nation WHERE n_nationkey = 1", "SELECT nothing FROM nation WHERE n_nationkey = 2"),
        ("DELETE FROM nation WHERE n_nationkey = 1", "DELETE FROM nation WHERE n_nationkey = 2"),
        (f"{WHERE} n_nationkey = 1" + " " * TEMPLATE_CHARACTERS_MAX, f"{WHERE} n_nationkey = 2" + " " * TEMPLATE_CHARACTERS_MAX),  # noqa: E501
        (f"{WHERE} n_nationkey IN ({MANY[0]})", f"{WHERE} n_nationkey IN ({MANY[1]})"),
    ],
)  # fmt: skip
def test_what_may_matter_is_understood_in_full(learn: str, asked: str) -> None:
    templates = learned(full, [learn] * 3)
    assert templates.filled(asked) is None


def test_a_template_is_made_when_its_like_comes_a_third_time() -> None:
    texts = [f"{WHERE} n_nationkey = {n}" for n in range(4)]
    assert made(learned(full, texts[:2])) == 0
    templates = learned(full, texts[:3])
    assert made(templates) == 1
    assert agrees(templates, full, texts[3])


def test_what_does_not_come_out_as_it_was_understood_is_no_template() -> None:
    met: list[str] = []

    def moody(text: str) -> SqlStatement:
        met.append(text)
        return full(f"{WHERE} n_name > 'x'" if len(met) > 3 else text)

    templates = learned(moody, LETTERS[:3])
    assert len(met) == 4
    assert made(templates) == 0


def test_a_text_whose_literals_are_alike_keeps_others_from_nothing() -> None:
    texts = [f"{WHERE} n_nationkey = {n} LIMIT 5" for n in (5, 5, 5, 6, 7, 8)]
    templates = learned(full, texts[:-1])
    assert made(templates) == 1
    assert agrees(templates, full, texts[-1])


def test_what_a_literal_says_is_no_call_of_a_function() -> None:
    for text in (f"{WHERE} n_name BETWEEN 'SUM' (5)", f"{WHERE} n_name = 'CURRENT_DATE'"):
        assert full(text).functions == frozenset()


def test_facts_that_come_out_otherwise_make_no_template() -> None:
    def moody(text: str) -> SqlStatement:
        statement = full(text)
        shape = replace(statement.tree.shape, has_star=len(text) > 60)
        return replace(statement, tree=replace(statement.tree, shape=shape))

    assert made(learned(moody, LETTERS)) == 0


def test_what_is_refused_with_blanks_is_no_template() -> None:
    templates = Templates(lambda text: full(text if len(text) < 60 else "SELECT"))
    _meet(templates, LETTERS)
    assert made(templates) == 0


def test_what_cannot_be_read_with_blanks_is_no_template(monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(text: str) -> Parsed:
        raise PolicyRefusal(PolicyCode.SYNTAX_ERROR, text, "no")

    monkeypatch.setattr(remembering, "parse_one", trip)
    templates = Templates(full)
    _meet(templates, LETTERS)
    assert (made(templates), list(templates._free._entries.values())) == (0, [remembering._Known.UNFIT])


@pytest.mark.parametrize(
    "text",
    [
        "1.5", "0x1F", "1e3", "01", "1_000", "a1", "$1", "x'41'", "N'a'", "'it''s'", "''", "'a b", "a'", '"1"', "'a'b",
        "1234567890123456", "'a  b'", "' a'", "'a%'", "'a;'", "'é'", ":1", "t.1", "1::INT", "'a'::DATE", "1$", "5é",
    ],
)  # fmt: skip
def test_only_plain_literals_look_like_some(text: str) -> None:
    assert cut(f"SELECT {text} FROM t").literals == ()


def test_a_blank_that_also_stands_elsewhere_is_none() -> None:
    text = cut(f"{WHERE} n_nationkey = 5 LIMIT 5")
    shared, apart = blanked(text.filling([True, True])[0]), text.apart()
    assert shared.free(parse_one(shared.text)) == (False, False)
    assert apart.free(parse_one(apart.text)) == (True, False)


def test_every_blank_must_come_out_as_often_as_it_went_in() -> None:
    text = blanked(cut(f"{WHERE} n_nationkey = 5 AND n_name = 'a'").filling([True, True])[0])
    number, word = text.blanks
    assert template_of(text, parse_one(text.text), full(text.text)) is not None
    for other in (f"n_nationkey = {number}", f"n_nationkey = {number} AND n_name = '{word}' AND n_name > '{word}'"):
        assert template_of(text, parse_one(text.text), full(f"{WHERE} {other}")) is None


def test_what_is_remembered_is_bounded() -> None:
    templates = Templates(full)
    for n in range(TEMPLATES_REMEMBERED + 3):
        _meet(templates, [f"SELECT n_name AS a{n} FROM nation WHERE n_nationkey = {m}" for m in range(3)])
    assert made(templates) == TEMPLATES_REMEMBERED
    assert len(templates._free._entries) == TEMPLATES_REMEMBERED


def test_a_refusal_points_into_the_callers_own_text() -> None:
    fresh = Engine(engine().policy, engine().catalog)
    for literal in ("1", "22", "333", "4444", "'" + "5" * 60 + "'", "'6'", "'77'", "'888'"):
        text = f"SELECT 1 FROM (SELECT n_name FROM nation WHERE n_nationkey = {literal}) q, nowhere"
        statement = fresh.understand(text)
        decision = fresh.decide(READER, statement)
        assert isinstance(decision, Deny)
        at = position_of(statement, decision)
        assert at is not None
        assert piece_at(text, at) == "nowhere"
    assert made(fresh._templates) == 2


def test_an_engine_that_knows_templates_decides_as_one_that_does_not() -> None:
    warm = Engine(engine().policy, engine().catalog)
    for n in range(6):
        text = f"SELECT c_name, c_phone FROM customer WHERE c_mktsegment = 'S{n}' AND c_custkey > {n} LIMIT 5"
        fresh = Engine(engine().policy, engine().catalog)
        decision = warm.decide(READER, warm.understand(text))
        assert decision == fresh.decide(READER, fresh.understand(text))
        assert isinstance(decision, Permit)
        assert isinstance(decision.action, RunSql)
        assert f"'S{n}'" in decision.action.sql
    assert made(warm._templates) == 1
