"""An entry's bytes are fixed for ever, and only those bytes are read as that entry."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import NotCanonical
from audit.entry import JournalEntry, digest, read_entry, rfc3339

ENTRY = JournalEntry(UUID(int=7), 3, "ab" * 32, datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "decided", "call-1", {"rows": 2})


def test_the_body_is_these_bytes_for_ever() -> None:
    assert ENTRY.body() == (
        b'{"at":"2026-01-02T03:04:05.000006Z","call_id":"call-1","facts":{"rows":2},"n":3,"prev":"' + b"ab" * 32 +
        b'","stage":"decided","stream":"00000000-0000-0000-0000-000000000007","v":1}'
    )  # fmt: skip


def test_the_digest_is_a_leaf_hash() -> None:
    assert digest(b"") == bytes.fromhex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")  # RFC 6962
    assert digest(ENTRY.body()) == hashlib.sha256(b"\0" + ENTRY.body()).digest()


def test_an_entry_reads_back_as_it_was() -> None:
    assert read_entry(ENTRY.body()) == ENTRY


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":"1"'), (b'"n":3', b'"n":3,"o":1'), (b',"v":1', b""), (b"05.000006Z", b"05.0000060Z"),
        (b"05.000006Z", b"05.000006+00:00"), (b"05.000006Z", b"05Z"), (b"2026-01-02T", b"2026-13-02T"),
        (b"00000000-0000-0000-0000-000000000007", b"00000000000000000000000000000007"),
        (b"00000000-0000-0000-0000-000000000007", b"x"), (b'{"rows":2}', b"[]"), (b'"rows":2', b'"rows": 2'),
    ],
)  # fmt: skip
def test_another_spelling_of_an_entry_is_refused(old: bytes, new: bytes) -> None:
    body = ENTRY.body()
    assert old in body
    with pytest.raises(NotCanonical):
        read_entry(body.replace(old, new))


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(-720, 720))  # noqa: DTZ001
def test_a_time_has_one_spelling_in_every_zone(at: datetime, offset_min: int) -> None:
    here = at.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset_min)))
    assert rfc3339(here) == at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
