"""Results are scanned where a policy asks for it: what is found is redacted, what only looks alike is left alone."""

import pytest

from policy.decision import LimitRows, Permit, RunSql, ScanContent
from policy.detectors import Detector
from policy.document import load
from policy.engine import Engine
from policy.masks import REDACTED
from policy.statement import Verb
from server.masking import keep
from server.raw import RawRows
from server.scanning import KINDS, scan
from tests.corpus.cases import HERE
from tests.corpus.world import READER, WRITER, engine
from tests.support.scores import Score
from tests.support.timing import cpu_s
from tools.contract import MaskedRows, ResultColumn

_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"
FOUND = {
    Detector.EMAIL: ("ada@example.com", "a.b+c@x-y.co.uk"),
    Detector.PHONE: ("+49 30 901820", "+1-202-555-0143", "(202) 555-0143", "202-555-0143"),
    Detector.IBAN: ("DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19"),
    Detector.CARD: ("4111111111111111", "5555-5555-5555-4444", "3782 822463 10005"),
    Detector.SSN: ("536-90-4399",),
    Detector.API_KEY: ("AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1B2" * 9, "-----BEGIN RSA PRIVATE KEY-----"),
    Detector.JWT: (_TOKEN,),
}
LEFT = {
    Detector.EMAIL: ("ada@", "@example", "a @ b", "user@localhost"),
    Detector.PHONE: ("2026-01-31", "123456", "1.5", "+12"),
    Detector.IBAN: ("DE89370400440532013001", "AB12", "GB29 NWBK 6016 1331 9268 18"),
    Detector.CARD: ("4111111111111112", "1234567890123", "0000000000000000", "2222222222222222222222"),
    Detector.SSN: ("000-12-3456", "666-12-3456", "900-12-3456", "536-00-4399", "536-90-0000"),
    Detector.API_KEY: ("AKIA", "sk-short", "ghp_x"),
    Detector.JWT: ("eyJxxxxxxxx.yyyyyy.zzzz", "eyJ.a.b"),
}
ALL = frozenset(Detector)


def _columns(count: int) -> list[ResultColumn]:
    return [ResultColumn(f"C{n}", "VARCHAR", True) for n in range(count)]


def test_every_detector_has_a_pattern_and_examples() -> None:
    assert set(KINDS) == set(FOUND) == set(LEFT) == set(Detector)


@pytest.mark.parametrize("kind", Detector)
def test_what_is_one_is_redacted_wherever_it_stands(kind: Detector) -> None:
    for text in FOUND[kind]:
        rows = [(f"before {text} after",), (text,), ({"k": [text, 1, None]},), ([[text]],), ({text: True},)]
        scanned = scan(_columns(1), rows, {kind})
        assert text not in str(scanned.rows), text
        assert scanned.rows[0] == (f"before {REDACTED} after",)
        assert scanned.notes == (f"C0: what looked like 5 {kind.value} was redacted",)


@pytest.mark.parametrize("kind", Detector)
def test_what_only_looks_like_one_is_left_alone(kind: Detector) -> None:
    rows = [(text,) for text in LEFT[kind]]
    scanned = scan(_columns(1), rows, {kind})
    assert list(scanned.rows) == rows
    assert scanned.notes == ()


LURES = {
    Detector.EMAIL: "a",
    Detector.PHONE: "+1",
    Detector.IBAN: "AA11 ",
    Detector.CARD: "4444 ",
    Detector.SSN: "123-45-",
    Detector.API_KEY: "-----BEGIN A",
    Detector.JWT: "-eyJaaaaaa",
}
"""What begins as each kind of content again and again, and is none."""


@pytest.mark.parametrize("kind", Detector)
def test_a_text_that_nearly_is_one_again_and_again_takes_time_by_its_length(kind: Detector) -> None:
    text = FOUND[kind][0] + " " + LURES[kind] * (400_000 // len(LURES[kind]))

    def found() -> None:
        assert scan(_columns(1), [(text,)], ALL).rows[0][0].startswith(REDACTED)

    assert cpu_s(found) < 1.5  # some 100 ms alone


@pytest.mark.parametrize("before", ["-eyJ-", "eyJ-", "a-eyJaaaa-", "-"])
def test_what_only_begins_like_a_token_hides_none_behind_it(before: str) -> None:
    assert scan(_columns(1), [(before + _TOKEN,)], {Detector.JWT}).rows == [(before + REDACTED,)]


def test_a_card_that_is_stored_as_a_number_is_found() -> None:
    rows = [(4111111111111111, 41, True, None, 1.5)]
    assert scan(_columns(5), rows, ALL).rows == [(REDACTED, 41, True, None, 1.5)]


def test_nothing_is_looked_for_unless_it_is_asked_for() -> None:
    rows = [("ada@example.com",)]
    assert scan(_columns(1), rows, ()).rows is rows
    assert scan(_columns(1), rows, {Detector.IBAN}).rows is rows


def test_a_clean_result_costs_little(score: Score) -> None:
    rows = [
        (f"customer {n}", "BUILDING", n, "2026-01-31", "a comment of some length, as they are") for n in range(10_000)
    ]
    spent_s = cpu_s(lambda: scan(_columns(5), rows, ALL))
    score(f"scan of {len(rows)} clean rows of 5 columns: {spent_s * 1000:.0f} ms of CPU")
    assert scan(_columns(5), rows, ALL).rows is rows
    assert spent_s < 2


def test_the_mask_step_scans_what_the_permit_owes() -> None:
    action = RunSql("SELECT 1", Verb.READ, "R", "W", 10, 10)
    permit = Permit(frozenset(), action, frozenset({LimitRows(10), ScanContent(frozenset({Detector.EMAIL}))}))
    masked = keep(RawRows(_columns(1), [("ada@example.com",)], truncated=False, query_id="q"), permit)
    assert isinstance(masked, MaskedRows)
    assert list(masked.rows) == [(REDACTED,)]
    assert masked.notes == ("C0: what looked like 1 email was redacted",)


def test_a_policy_says_for_whom_results_are_scanned() -> None:
    text = (HERE / "policy.yaml").read_text(encoding="utf-8")
    scanning = "content_scan: [{detect: [email, card], unless: {groups: [writers]}}, {detect: [jwt]}]\n"
    judged = Engine(load(text + scanning), engine().catalog)

    def owed(who: object) -> set[frozenset[Detector]]:
        decision = judged.decide(who, judged.understand("SELECT n_name FROM nation"))  # type: ignore[arg-type]
        assert isinstance(decision, Permit)
        return {o.detectors for o in decision.obligations if isinstance(o, ScanContent)}

    assert owed(READER) == {frozenset({Detector.EMAIL, Detector.CARD, Detector.JWT})}
    assert owed(WRITER) == {frozenset({Detector.JWT})}
