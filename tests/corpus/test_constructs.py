"""What the parser can make is what was looked at: an upgrade that adds a class or renames a function fails here."""

import hashlib

import pytest
from sqlglot import exp

from policy.constructs import SLOTS
from policy.document import load
from policy.engine import Engine
from policy.functions import (
    CLOSED,
    FUNCTIONS,
    FUNCTIONS_ALLOWED,
    OPEN_CLASSES,
    PRINTED_AS,
    FunctionClass,
    class_of,
    is_openable,
)
from policy.guard import guard
from policy.refusal import PolicyCode, PolicyRefusal
from policy.report import judge
from policy.yaml_source import PolicyDocumentError
from tests.corpus.cases import HERE
from tests.corpus.world import READER, engine

_ARGUMENTS = """
    |n_name|n_nationkey|n_name, 'b'|n_name, n_nationkey|n_nationkey, n_regionkey|n_name, 'b', 'c'|'day', n_name|
    day, 1, n_name|day, n_name, n_comment|n_name, x -> x|1, 2, 3, 4, 5, 6|1, 5|*|n_nationkey, n_regionkey, 1, 10|
    n_nationkey, n_regionkey, 1|month from n_name|DISTINCT n_name|n_name AS DATE|n_name, 1, (a, b) -> a|
    n_name, 'b', 1, 2
"""
ARGUMENTS = _ARGUMENTS.split("|")
SUFFIXES = ("", " OVER (ORDER BY n_name)", " WITHIN GROUP (ORDER BY n_name)")
POLICY = (HERE / "policy.yaml").read_text(encoding="utf-8")
KNOWN_ARGUMENTS = 1265
KNOWN_ARGUMENTS_DIGEST = "5f3facf2ca2bf70d"
DOCUMENTED_MIN = 750
KNOWN_CLASSES = 1056
KNOWN_DIGEST = "e14a52f93f15ca57"


def _classes() -> list[str]:
    found = (getattr(exp, name) for name in dir(exp))
    return sorted({kind.__name__ for kind in found if isinstance(kind, type) and issubclass(kind, exp.Expr)})


def test_every_node_class_of_the_parser_was_looked_at() -> None:
    classes = _classes()
    digest = hashlib.sha256("\n".join(classes).encode()).hexdigest()[:16]
    assert (len(classes), digest) == (KNOWN_CLASSES, KNOWN_DIGEST), (
        "look at what is new, then class it or leave it refused"
    )


def test_every_allowed_class_exists_with_its_slots() -> None:
    assert set(_classes()) >= set(SLOTS)
    for name, slots in SLOTS.items():
        assert slots <= set(getattr(exp, name).arg_types), name


def test_every_argument_of_an_allowed_class_was_looked_at() -> None:
    arguments = [f"{name}.{slot}" for name in sorted(SLOTS) for slot in sorted(getattr(exp, name).arg_types)]
    digest = hashlib.sha256("\n".join(arguments).encode()).hexdigest()[:16]
    assert (len(arguments), digest) == (KNOWN_ARGUMENTS, KNOWN_ARGUMENTS_DIGEST), (
        "look at what is new: an argument that is not in the table stays refused"
    )


def test_an_argument_that_is_not_in_the_table_is_refused() -> None:
    for name in sorted(SLOTS):
        kind = getattr(exp, name)
        for slot in sorted(set(kind.arg_types) - SLOTS[name]):
            with pytest.raises(PolicyRefusal):
                guard(kind(**{slot: exp.Literal.number(1)}), "")


def test_every_allowed_function_can_be_called_somehow() -> None:
    grammar = {"CASE", "CONNECT_BY_ROOT"}
    for name in sorted(FUNCTIONS_ALLOWED - grammar):
        shapes = [f"SELECT {name}({a}){s} FROM nation" for a in ARGUMENTS for s in SUFFIXES]
        shapes += [f"SELECT 1 FROM nation, TABLE({name}({a})) x" for a in ARGUMENTS]
        assert any(judge(engine(), READER, sql, name)["decision"] == "permit" for sql in shapes), name


def test_a_function_is_printed_under_its_own_name_or_a_reviewed_one() -> None:
    assert set(PRINTED_AS) <= FUNCTIONS_ALLOWED
    for others in PRINTED_AS.values():
        assert others <= FUNCTIONS_ALLOWED


def test_every_documented_function_has_one_class() -> None:
    for kind, names in FUNCTIONS.items():
        for name in names:
            assert class_of(name) is kind, name
    assert sum(map(len, FUNCTIONS.values())) == len(frozenset().union(*FUNCTIONS.values())) >= DOCUMENTED_MIN


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sum", FunctionClass.AGGREGATE),
        ('"GET_DDL"', FunctionClass.METADATA),
        ("SYSTEM$ABORT_SESSION", FunctionClass.SIDE_EFFECT),
        ("system$of_tomorrow", FunctionClass.SIDE_EFFECT),
        ("SNOWFLAKE.CORTEX.COMPLETE", FunctionClass.SPENDS),
        ("crm.information_schema.query_history", FunctionClass.METADATA),
        ("AI_OF_TOMORROW", FunctionClass.SPENDS),
        ("AI_PARSE_DOCUMENT", FunctionClass.READS_ELSEWHERE),
        ("MY_UDF", FunctionClass.UNKNOWN),
        ("CRM.PUBLIC.MY_UDF", FunctionClass.UNKNOWN),
        ("MY_SYSTEM$X", FunctionClass.UNKNOWN),
    ],
)
def test_a_name_is_classed_however_it_is_written(name: str, kind: FunctionClass) -> None:
    assert class_of(name) is kind


def test_what_reads_elsewhere_tells_or_acts_can_never_be_opened() -> None:
    for kind in (FunctionClass.METADATA, FunctionClass.READS_ELSEWHERE, FunctionClass.SIDE_EFFECT):
        assert not FUNCTIONS[kind] & FUNCTIONS_ALLOWED
        assert not any(map(is_openable, FUNCTIONS[kind]))


def test_what_is_open_is_of_an_open_class_and_what_is_kept_closed_says_why() -> None:
    assert {class_of(name) for name in FUNCTIONS_ALLOWED} <= OPEN_CLASSES
    assert all(class_of(name) in OPEN_CLASSES and why for name, why in CLOSED.items())


@pytest.mark.parametrize("kind", sorted(set(FunctionClass) - OPEN_CLASSES))
def test_a_refused_function_is_refused_by_its_class(kind: FunctionClass) -> None:
    for name in sorted(FUNCTIONS.get(kind, {"MY_UDF", "READ_CSV"})):
        for sql in (f"SELECT {name}()", f"SELECT {name}(n_name) FROM nation", f"SELECT * FROM TABLE({name}())"):
            with pytest.raises(PolicyRefusal) as caught:
                engine().understand(sql)
            if caught.value.code is PolicyCode.FUNCTION_NOT_ALLOWED:
                assert kind.value in caught.value.hint, sql


def called(engine: Engine, sql: str) -> set[str]:
    """The classes of the functions that a statement calls."""
    return {class_of(name).value for name in engine.understand(sql).functions}


def test_a_statement_tells_its_functions_and_each_has_a_class() -> None:
    def told(sql: str) -> set[str]:
        return called(engine(), sql)

    assert told("SELECT n_name FROM nation") == set()
    assert told("SELECT UPPER(n_name), CURRENT_DATE FROM nation") == {"pure", "nondeterministic"}
    assert told("SELECT SUM(1) OVER (), RANK() OVER (ORDER BY 1) FROM nation") == {"aggregate", "window"}


def _opened(*names: str) -> Engine:
    return Engine(load(f"{POLICY}functions: {{allow: [{', '.join(names)}]}}\n"), engine().catalog)


def test_a_policy_opens_functions_of_the_session_of_models_and_of_users_by_name() -> None:
    opened = _opened("CURRENT_ROLE", "CURRENT_USER", "AI_COMPLETE", "AI_AGG", "my_udf", "SEARCH")
    for sql, classes in (
        ("SELECT CURRENT_ROLE()", {"context"}),
        ("SELECT CURRENT_USER", {"context"}),
        ("SELECT AI_COMPLETE('m', n_name) FROM nation", {"spends"}),
        ("SELECT AI_AGG(n_name, 'sum up') FROM nation", {"spends"}),
        ("SELECT MY_UDF(n_name), UPPER(n_name) FROM nation", {"unknown", "pure"}),
    ):
        assert judge(opened, READER, sql, "")["decision"] == "permit", sql
        assert called(opened, sql) == classes
    assert judge(opened, READER, "SELECT CURRENT_SESSION()", "")["code"] == "function_not_allowed"
    assert judge(opened, READER, "SELECT AI_EMBED('m', 'x')", "")["code"] == "function_not_allowed"


@pytest.mark.parametrize("name", ["result_scan", "GET_DDL", "CURRENT_STATEMENT", "SYSTEM$SEND_EMAIL", "NEXTVAL"])
def test_a_policy_that_opens_what_can_never_be_safe_is_an_error(name: str) -> None:
    with pytest.raises(PolicyDocumentError) as caught:
        _opened("MY_UDF", name)
    assert class_of(name).value in str(caught.value)
    assert caught.value.line is not None


def test_a_policy_that_opens_the_function_of_a_keyed_mask_is_an_error() -> None:
    mask = "masks:\n  - {classification: name, mask: {kind: token, function: GOV.MASKS.KEYED}}"
    opening = POLICY.replace("masks:", mask, 1)
    assert load(opening).masks
    with pytest.raises(PolicyDocumentError):
        load(f"{opening}functions: {{allow: [keyed]}}\n")
    with pytest.raises(PolicyDocumentError):
        load(opening.replace("GOV.MASKS.KEYED", "KEYED"))


def test_a_caller_cannot_call_the_function_of_a_keyed_mask() -> None:
    keyed = Engine(load(POLICY.replace("{kind: redact}", "{kind: hash, function: GW.PUBLIC.KEYED}")), engine().catalog)
    verdict = judge(keyed, READER, "SELECT c_name FROM customer WHERE c_phone = 'x'", "")
    assert '"GW"."PUBLIC"."KEYED"("__GW_R"."C_NAME")' in verdict["sql"]
    for call in ("KEYED('x')", "GW.PUBLIC.KEYED('x')", '"GW"."PUBLIC"."KEYED"(\'x\')'):
        assert judge(keyed, READER, f"SELECT {call}", "")["code"] == "function_not_allowed"
