"""Rule sets only make a policy stricter; the one that ships catches what it says, and lets honest work be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.decision import Decision, Deny, Hold
from policy.document import load
from policy.rulebook import Policy
from policy.yaml_source import PolicyDocumentError
from server.config import SettingsError
from server.rule_sets import read_rule_sets
from tests.language.worlds import HEAD, PERMITS, ROOT, decide, engine, kind, person

BASELINE = HEAD + "include: [soc2-baseline]\n"
SET = """\
version: 1
about: for tests
rules:
  - {id: one, effect: forbid, who: {anyone: true}, verbs: [read], tables: ["*.*.*"], when: "!has_limit"}
  - {id: two, effect: hold, who: {anyone: true}, verbs: [read], tables: ["*.*.*"]}
"""

CAUGHT = {
    "SELECT * FROM people": "unrestricted-select",
    "SELECT email FROM people WHERE 1 = 1": "unrestricted-select",
    "SELECT email FROM people WHERE id = id": "unrestricted-select",
    "SELECT email FROM people WHERE TRUE OR id = 1": "unrestricted-select",
    "SELECT email FROM people LIMIT 101": "unrestricted-select",
    "SELECT email FROM people LIMIT ?": "unrestricted-select",
    "SELECT email FROM contacts": "unrestricted-select",
    "SELECT email, COUNT(*) FROM people GROUP BY email": "unrestricted-select",
    "SELECT ARRAY_AGG(email) FROM people": "unrestricted-select",
    "WITH p AS (SELECT * FROM people) SELECT * FROM p": "unrestricted-select",
    "INSERT INTO notes SELECT id, region FROM people WHERE id = 1 UNION SELECT id, region FROM people": None,
    "SELECT email FROM people UNION SELECT 'x'": "unrestricted-select",
    "SELECT p.id FROM people p, orders o": "cross-join",
    "SELECT p.id FROM people p JOIN orders o ON TRUE WHERE p.id = 1": "cross-join",
    "SELECT p.id FROM people p CROSS JOIN orders o WHERE o.oid = 1": "cross-join",
    "DELETE FROM notes": "write-without-where",
    "DELETE FROM notes WHERE 1 = 1": "write-without-where",
    "UPDATE notes SET text = 'x' WHERE nid IS NOT NULL": "write-without-where",
    "MERGE INTO notes n USING orders o ON TRUE WHEN MATCHED THEN DELETE": "write-without-where",
}
HONEST = (
    "SELECT id, region FROM people",
    "SELECT region, COUNT(*) FROM people GROUP BY region",
    "SELECT region, COUNT(DISTINCT email) FROM people GROUP BY region",
    "SELECT * FROM people WHERE id = 7",
    "SELECT email FROM people WHERE region = 'EU' ORDER BY id",
    "SELECT * FROM people LIMIT 10",
    "WITH p AS (SELECT * FROM people LIMIT 20) SELECT * FROM p",
    "SELECT p.email, SUM(o.amount) FROM people p JOIN orders o ON o.pid = p.id WHERE p.region = 'EU' GROUP BY 1",
    "SELECT p.region, SUM(o.amount) FROM people p, orders o WHERE o.pid = p.id GROUP BY 1",
    "SELECT * FROM orders",
    "SELECT o.*, t.total FROM orders o, (SELECT SUM(amount) AS total FROM orders) t",
    "SELECT amount FROM orders WHERE pid IN (SELECT id FROM people)",
    "SELECT 1",
)


@pytest.mark.parametrize("sql", [sql for sql, rule in CAUGHT.items() if rule])
def test_the_soc_2_baseline_catches_it_and_says_how_to_do_better(sql: str) -> None:
    assert not isinstance(decide(engine(), sql), Deny), "without the baseline it goes through"
    denied = decide(engine(PERMITS, BASELINE), sql)
    assert isinstance(denied, Deny)
    assert denied.determining == {f"soc2-baseline/{CAUGHT[sql]}"}
    assert denied.hint.startswith(("add", "join"))
    assert denied.place is not None


@pytest.mark.parametrize("sql", HONEST)
def test_the_soc_2_baseline_lets_honest_work_be(sql: str) -> None:
    assert kind(decide(engine(PERMITS, BASELINE), sql)) == "permit"


@pytest.mark.parametrize("sql", ["INSERT INTO notes VALUES (1, 'a')", "UPDATE notes SET text = 'a' WHERE nid = 1"])
def test_a_change_of_unknown_size_waits_for_a_person(sql: str) -> None:
    held = decide(engine(PERMITS, BASELINE), sql)
    assert isinstance(held, Hold)
    assert "soc2-baseline/bulk-change" in held.determining


def test_classified_columns_go_to_no_model() -> None:
    head = BASELINE + "functions: {allow: [AI_SENTIMENT]}\n"
    assert kind(decide(engine(PERMITS, head), "SELECT AI_SENTIMENT(email) FROM people WHERE id = 1")) == "deny"
    assert kind(decide(engine(PERMITS, head), "SELECT AI_SENTIMENT(text) FROM notes WHERE nid = 1")) == "permit"


@settings(deadline=None)
@given(st.sampled_from([*CAUGHT, *HONEST]), st.booleans())
def test_including_a_rule_set_never_opens(sql: str, is_open: bool) -> None:
    def rank(decision: Decision) -> int:
        return ["deny", "hold", "permit"].index(kind(decision))

    rules = PERMITS if is_open else "  []\n"
    assert rank(decide(engine(rules, BASELINE), sql)) <= rank(decide(engine(rules), sql))


def included(entry: str, sets: dict[str, str] | None = None) -> Policy:
    return load(f"{HEAD}include: [{entry}]\nrules:\n{PERMITS}", {"house": SET} if sets is None else sets)


def test_a_rule_set_can_be_included_in_part_and_not_for_everybody() -> None:
    assert [rule.id for rule in included("house").rules] == ["open", "house/one", "house/two"]
    assert [rule.id for rule in included("{name: house, without: [one]}").rules] == ["open", "house/two"]
    spared = included("{name: house, unless: {groups: [stewards]}}").rules[1]
    assert spared.unless is not None
    assert spared.unless.matches(person("stewards"))


@pytest.mark.parametrize(
    ("entry", "sets", "message"),
    [
        ("hose", None, "does not exist"),
        ("{name: house, without: [ones]}", None, "has no rule `ones`"),
        ("house, house", None, "names two entries"),
        ("house", {"house": SET.replace("hold", "permit")}, "in the rule set `house`"),
        ("house", {"house": SET.replace("!has_limit", "!has_limt")}, "`has_limt` is not known"),
        ("house", {"house": SET.replace("id: two", "id: one")}, "names two rules"),
        ("house", {"house": "[]"}, "not a mapping"),
        ("house", {"house": SET.replace('"*.*.*"', '"*.*"', 1)}, "has 2 parts"),
        ("house", {"house": SET.replace("about", "abuot")}, "`abuot`"),
        ("{name: house, witout: []}", None, ""),
    ],
)
def test_a_rule_set_that_cannot_be_included_is_an_error(entry: str, sets: dict[str, str] | None, message: str) -> None:
    with pytest.raises(PolicyDocumentError) as raised:
        included(entry, sets)
    assert message in str(raised.value)
    assert raised.value.line is not None
    assert raised.value.hint


def test_the_digest_of_a_policy_covers_what_it_includes() -> None:
    assert included("house").digest != included("house", {"house": SET.replace("!has_limit", "has_limit")}).digest


def test_rule_sets_come_with_the_gate_and_from_beside_the_policy(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("policy")
    assert set(read_rule_sets(folder)) == {"soc2-baseline"}
    (folder / "rule_sets").mkdir()
    (folder / "rule_sets" / "ours.yaml").write_text(SET, encoding="utf-8")
    assert set(read_rule_sets(folder)) == {"soc2-baseline", "ours"}
    assert set(read_rule_sets(ROOT / "manifests" / "policies")) == {"soc2-baseline"}
    (folder / "rule_sets" / "soc2-baseline.yaml").write_text(SET, encoding="utf-8")
    with pytest.raises(SettingsError):
        read_rule_sets(folder)
    (folder / "rule_sets" / "soc2-baseline.yaml").unlink()
    (folder / "rule_sets" / "bad.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError):
        read_rule_sets(folder)
