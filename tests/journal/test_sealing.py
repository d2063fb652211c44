"""What is secret can be matched but not read; what is sensitive opens only with the key, in its place."""

import base64
import hmac
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import NotCanonical, canonical
from audit.entry import JournalEntry, read_entry
from audit.fields import FIELDS, Classification, Fact, check_facts, classify
from audit.sealing import Sealer, Unsealable

SEALER = Sealer(bytes(range(32)), "k1")
MONTH = date(2026, 11, 1)
PLAIN = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None), max_size=40)
NAMES = st.sampled_from(sorted(FIELDS)) | st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
FACTS = st.dictionaries(NAMES, PLAIN | st.lists(PLAIN, max_size=5), max_size=8)


def test_an_unclassified_field_is_secret() -> None:
    assert classify("shoe_size") is Classification.SECRET
    assert SEALER.seal({"shoe_size": 43}, "s/0", MONTH)["shoe_size"] == SEALER.hmac("shoe_size", 43, MONTH)


def test_secrets_are_hashed_item_by_item_and_numbers_too() -> None:
    sealed = SEALER.seal({"literals": ["jane@example.com", 42, 1.5, None, True]}, "s/0", MONTH)["literals"]
    assert isinstance(sealed, list)
    assert sealed == [SEALER.hmac("literals", item, MONTH) for item in ("jane@example.com", 42, 1.5, None, True)]
    assert len(set(map(str, sealed))) == 5
    assert all(str(item).startswith("hmac:k1:") for item in sealed)


@given(value=st.text(st.characters(codec="utf-8")), tenant=st.sampled_from(["", "acme"]))
def test_a_hash_is_made_as_rfc_2104_and_rfc_5869_say_whatever_makes_it(value: str, tenant: str) -> None:
    key = bytes(range(32))
    purpose = f"snowgate journal v1 hmac\0{tenant}\0{MONTH.isoformat()}".encode()
    subkey = hmac.digest(hmac.digest(bytes(32), key, "sha256"), purpose + b"\1", "sha256")
    expected = hmac.digest(subkey, f"literals\0text\0{value}".encode(), "sha256").hex()
    assert Sealer(key, "k1", tenant).hmac("literals", value, MONTH) == f"hmac:k1:{expected}"


def test_equal_secrets_match_within_a_field_and_not_across_fields_or_keys() -> None:
    assert SEALER.hmac("literals", "x", MONTH) == SEALER.hmac("literals", "x", MONTH)
    assert SEALER.hmac("literals", "x", MONTH) != SEALER.hmac("parameters", "x", MONTH)
    assert SEALER.hmac("literals", "1", MONTH) != SEALER.hmac("literals", 1, MONTH)
    assert SEALER.hmac("literals", "x", MONTH) != Sealer(bytes(32), "k1").hmac("literals", "x", MONTH)


def test_equal_secrets_do_not_match_across_months_or_tenants() -> None:
    assert SEALER.hmac("literals", 42, MONTH) != SEALER.hmac("literals", 42, date(2026, 12, 1))
    other = Sealer(bytes(range(32)), "k1", tenant="other")
    assert SEALER.hmac("literals", 42, MONTH) != other.hmac("literals", 42, MONTH)


def test_sensitive_text_opens_only_in_its_own_place_with_its_own_key() -> None:
    sealed = SEALER.seal({"reason": "for Jane"}, "s/3", MONTH)
    assert "Jane" not in str(sealed)
    assert SEALER.unseal(sealed, "s/3") == {"reason": "for Jane"}
    with pytest.raises(Unsealable):
        SEALER.unseal(sealed, "s/4")
    with pytest.raises(Unsealable):
        Sealer(bytes(32), "k1").unseal(sealed, "s/3")
    with pytest.raises(Unsealable):
        Sealer(bytes(range(32)), "k2").unseal(sealed, "s/3")
    with pytest.raises(Unsealable):
        SEALER.unseal({"purpose": sealed["reason"]}, "s/3")


@given(st.integers(0, 200))
def test_a_flipped_bit_does_not_open(position: int) -> None:
    text = SEALER.encrypt(b"a sentence of some length", "s/3/reason")
    prefix, payload = text[:13], bytearray(base64.urlsafe_b64decode(text[13:]))
    payload[position // 8 % len(payload)] ^= 1 << position % 8
    with pytest.raises(Unsealable):
        SEALER.decrypt(prefix + base64.urlsafe_b64encode(payload).decode(), "s/3/reason")


@pytest.mark.parametrize(
    "sealed",
    ["", "clear", "aes256gcm:k1:", "aes256gcm:k1:!!!!", "aes256gcm:k1:AAAA", "a:b:c:d", "aes256gcm:k1:\u00e9"],
)
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(Unsealable):
        SEALER.decrypt(sealed, "s/3/reason")


@given(FACTS)
def test_whatever_passes_the_check_can_be_sealed_spelled_and_read_back(facts: dict[str, Fact]) -> None:
    check_facts(facts)
    sealed = SEALER.seal(facts, "s/0", MONTH)
    entry = JournalEntry(UUID(int=1), 0, "", datetime(2026, 1, 2, tzinfo=UTC), "decided", "call", sealed)
    assert canonical(sealed)  # with every check
    assert read_entry(entry.body()) == entry
    SEALER.unseal(sealed, "s/0")


@pytest.mark.parametrize(
    "facts",
    [
        {"rows": 1.5}, {"rules": [0.5]}, {"Sql": "x"}, {"a b": "x"}, {"": 1}, {"rules": {"a": 1}}, {"rules": [["a"]]},
        {"sql": b"x"}, {"subject": object()}, {"x" * 65: 1},
    ],
)  # fmt: skip
def test_what_is_no_fact_is_refused_before_it_is_kept(facts: dict[str, Fact]) -> None:
    with pytest.raises(NotCanonical):
        check_facts(facts)


@pytest.mark.parametrize(
    ("key", "key_id"), [(bytes(31), "k"), (bytes(32), ""), (bytes(32), "a:b"), (bytes(32), "x" * 33)]
)
def test_a_weak_key_or_an_ambiguous_key_id_is_refused(key: bytes, key_id: str) -> None:
    with pytest.raises(ValueError, match="journal key"):
        Sealer(key, key_id)
