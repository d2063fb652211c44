"""What a statement may be made of holds for trees that the parser does not make today, and for texts that printers may.

The next version of either could; so each part is judged by itself, on trees built by hand.
"""

from collections.abc import Callable

import pytest
from sqlglot import ParseError, exp

from policy import filters, printing, understand
from policy.binds import BIND_PREFIX
from policy.engine import Engine
from policy.flat import flat
from policy.guard import guard
from policy.lexing import is_cut_alike
from policy.names import TableName
from policy.printing import print_verified
from policy.refusal import PolicyCode, PolicyRefusal
from policy.report import judge
from policy.resolve import TABLE_PREFIX, Resolved
from policy.statement import Verb
from policy.syntax import Parsed, _syntax_error, parse_one
from policy.tree import Reference
from tests.corpus.world import WRITER, engine

ONE = exp.Literal.number(1)


def select(*expressions: exp.Expr, **more: object) -> exp.Expr:
    """A SELECT of these."""
    return exp.Select(expressions=list(expressions), **more)


def cast_to(type_: exp.Expr) -> exp.Expr:
    """A cast to a type."""
    return exp.Cast(this=ONE.copy(), to=type_)


TREES: dict[str, Callable[[], exp.Expr]] = {
    "an argument's name that is no name": lambda: select(exp.Kwarg(this=ONE.copy(), expression=ONE.copy())),
    "a column's definition": lambda: select(exp.ColumnDef(this=exp.to_identifier("a"))),
    "a user-defined type": lambda: select(cast_to(exp.DataType(this=exp.DType.USERDEFINED))),
    "a kind of type": lambda: select(cast_to(exp.DataType(this=exp.DType.INT, kind=exp.Var(this="X")))),
    "a typed lambda": lambda: select(
        exp.Lambda(this=ONE.copy(), expressions=[cast_to(exp.DataType(this=exp.DType.INT))])
    ),
    "brackets round a name": lambda: select(exp.Subquery(this=exp.to_identifier("a"))),
    "a measure without a name": lambda: _matching(measures=[exp.MatchRecognizeMeasure(this=ONE.copy())]),
    "a pattern's function elsewhere": lambda: select(exp.First(this=exp.column("a"))),
    "an empty table function": lambda: select(exp.Star(), from_=exp.From(this=exp.TableFromRows(this=ONE.copy()))),
    "a node of no known kind": lambda: select(exp.Semicolon()),
    "a function by a name that is a tree": lambda: select(
        exp.Anonymous(this=exp.to_identifier("UPPER"), expressions=[])
    ),
}  # fmt: skip


def _matching(**more: object) -> exp.Expr:
    match = exp.MatchRecognize(pattern=exp.Var(this="A"), define=[], **more)
    return select(exp.Star(), from_=exp.From(this=exp.to_table("t")), match=match)


@pytest.mark.parametrize("name", TREES)
def test_a_tree_of_other_parts_is_refused(name: str) -> None:
    with pytest.raises(PolicyRefusal) as refused:
        guard(TREES[name](), "")
    assert refused.value.code in (PolicyCode.CONSTRUCT_NOT_ALLOWED, PolicyCode.FUNCTION_NOT_ALLOWED)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ('SELECT "" FROM region', PolicyCode.CONSTRUCT_NOT_ALLOWED),
        ('SELECT "a\nb" FROM region', PolicyCode.CONSTRUCT_NOT_ALLOWED),
        ("SELECT 1 FROM region WHERE r_name = :name", PolicyCode.BAD_PARAMETERS),
        ("SELECT * FROM region MATCH_RECOGNIZE (MEASURES MATCH_NUMBER() AS m PATTERN (A) DEFINE A)",
         PolicyCode.CONSTRUCT_NOT_ALLOWED),
        ("SELECT FIRST(r_name) FROM region", PolicyCode.FUNCTION_NOT_ALLOWED),
        ("SELECT nope (r_name) FROM region", PolicyCode.FUNCTION_NOT_ALLOWED),
        ("SELECT * FROM region SAMPLE RESERVOIR (10)", PolicyCode.CONSTRUCT_NOT_ALLOWED),
        ("SELECT * FROM region AT(OFFSET => -1e99999999999999999999)", PolicyCode.CONSTRUCT_NOT_ALLOWED),
        ("SELECT * FROM region AT(OFFSET => -1/0)", PolicyCode.CONSTRUCT_NOT_ALLOWED),
        ("SELECT 1 JOIN region", PolicyCode.CONSTRUCT_NOT_ALLOWED),
        ("WITH c AS (region) SELECT * FROM c", PolicyCode.CONSTRUCT_NOT_ALLOWED),
        ("SELECT * FROM region LATERAL FLATTEN(INPUT => r_name) f", PolicyCode.UNFAITHFUL_PRINT),
        ("SELECT * FROM region JOIN nation USING (r_regionkey)", PolicyCode.COLUMN_NOT_FOUND),
    ],
)  # fmt: skip
def test_what_is_refused_has_a_code_of_its_own(sql: str, code: PolicyCode) -> None:
    assert judge(engine(), WRITER, sql, "")["code"] == code.value


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT x.r_name FROM (region JOIN nation ON n_regionkey = r_regionkey) AS x",
        "SELECT f.value FROM region, LATERAL TABLE(FLATTEN(INPUT => r_name)) f",
        "SELECT 1 FROM region JOIN (SELECT * FROM region NATURAL JOIN nation) q USING (r_regionkey)",
        f"SELECT {', '.join(f'r_name AS a{n}' for n in range(14))}, r_regionkey FROM region",
    ],
)
def test_honest_corners_are_understood(sql: str) -> None:
    assert engine().understand(sql).verb is Verb.READ


def printed(root: exp.Expr, *references: Reference, binds: int = 0) -> PolicyCode | None:
    """The code with which printing `root` is refused."""
    try:
        print_verified(Parsed(root, Verb.READ, (), binds), Resolved(references, frozenset()), frozenset())
    except PolicyRefusal as refusal:
        return refusal.code
    return None


def test_a_printed_text_must_hold_every_table_and_bind_in_order() -> None:
    missing = Reference(TableName("D", "S", "T"), f"{TABLE_PREFIX}X", is_target=False, is_sampled=False, at=0)
    second = exp.Placeholder(this=f"{BIND_PREFIX}2")
    assert printed(select(ONE.copy())) is None
    assert printed(select(ONE.copy()), missing) is PolicyCode.UNFAITHFUL_PRINT
    assert printed(select(second), binds=1) is PolicyCode.UNFAITHFUL_PRINT
    assert printed(select(ONE.copy()), binds=1) is PolicyCode.UNFAITHFUL_PRINT


def test_a_printed_text_calls_no_quoted_and_no_dotted_function() -> None:
    quoted = exp.Anonymous(this=exp.to_identifier("UPPER", quoted=True), expressions=[ONE.copy()])
    dotted = exp.Dot(this=exp.to_identifier("A"), expression=exp.Anonymous(this="UPPER", expressions=[ONE.copy()]))
    for call in (quoted, dotted):
        assert printed(select(call)) in (PolicyCode.FUNCTION_NOT_ALLOWED, PolicyCode.UNFAITHFUL_PRINT)


def test_a_text_that_snowflake_would_cut_in_another_way_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = parse_one("SELECT 1").tokens
    kinds = [token.token_type for token in tokens]
    assert is_cut_alike("SELECT 1", tokens, kinds)
    for sign in ("--", "/*", "//", "$$", ";", "@"):
        assert not is_cut_alike(f"SELECT 1 {sign}", tokens, kinds)
    monkeypatch.setattr(printing, "is_cut_alike", lambda text, tokens, kinds: False)
    assert printed(select(ONE.copy())) is PolicyCode.UNFAITHFUL_PRINT


def test_whatever_the_parser_trips_over_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Engine(engine().policy, engine().catalog)
    for error, code in ((RecursionError(), PolicyCode.STATEMENT_TOO_DEEP), (IndexError(), PolicyCode.SYNTAX_ERROR)):

        def trip(text: str, error: Exception = error) -> Parsed:
            raise error

        monkeypatch.setattr(understand, "parse_one", trip)
        with pytest.raises(PolicyRefusal) as refused:
            fresh.understand(f"SELECT 1 /* {code} */")
        assert refused.value.code is code


def test_an_error_without_a_place_is_told_without_one() -> None:
    told = _syntax_error("SELECT", ParseError("nothing"))
    assert (told.code, told.at) == (PolicyCode.SYNTAX_ERROR, None)


def test_a_filter_that_cannot_be_printed_hides_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(*_: object) -> None:
        raise PolicyRefusal(PolicyCode.UNFAITHFUL_PRINT, "no", "no")

    condition = filters.parse_filter("f", "r_name = 'x'", frozenset())
    table = engine().catalog.tables[TableName("GW", "PUBLIC", "REGION")]
    assert filters.filter_sql(condition, table, frozenset()) is not None
    monkeypatch.setattr(filters, "print_verified", trip)
    assert filters.filter_sql(condition, table, frozenset()) is None


def test_lists_of_words_are_compared_word_by_word() -> None:
    one, other = (exp.JSONExtract(this=exp.column("a"), expressions=[word]) for word in ("x", "y"))
    assert flat(one) != flat(other)
    assert flat(one) == flat(one.copy())


@pytest.mark.parametrize("name", ["__GW_T0", "__gw_x", "METADATA$FILENAME", "Metadata$Action"])
@pytest.mark.parametrize("quoted", [True, False])
def test_no_reserved_name_passes_the_guard_itself(name: str, *, quoted: bool) -> None:
    with pytest.raises(PolicyRefusal):
        guard(select(exp.Column(this=exp.Identifier(this=name, quoted=quoted))), "")


@pytest.mark.parametrize("name", ["a", "__GW", "METADATA", "A_1", "_x"])
def test_a_name_that_only_begins_like_a_reserved_one_passes_the_guard(name: str) -> None:
    assert guard(select(exp.Column(this=exp.to_identifier(name))), "")
