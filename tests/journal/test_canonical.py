"""One value has one spelling, and nothing else is taken for it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import INTEGER_MAX, Json, NotCanonical, canonical, parse

KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
)


@given(VALUES)
def test_canonical_bytes_are_what_another_implementation_writes(value: Json) -> None:
    assert canonical(value) == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@given(VALUES)
def test_canonical_bytes_spell_the_same_value(value: Json) -> None:
    assert parse(canonical(value)) == value


@given(st.dictionaries(KEYS, VALUES, min_size=2), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value: dict[str, Json], random: object) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        "a\0b",
        "\ud800",
        2**53,
        -(2**53),
        {"A": 1},
        {"a b": 1},
        {"ä": 1},
        {1: 2},
        {"a": [{"b": 0.5}]},
        b"x",
        {1},
        (1,),
    ],
)
def test_what_has_no_canonical_spelling_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical) as caught:
        canonical(value)  # type: ignore[arg-type]
    assert caught.value.code == "journal_not_canonical"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b"1.0",
        b"1e2",
        b"-0",
        b'"\\u0061"',
        b'"\\/"',
        b"\xff",
        b"[1]\n",
    ],
)
def test_another_spelling_of_the_same_value_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse(data)


@given(st.binary(max_size=64))
def test_any_bytes_are_canonical_or_refused(data: bytes) -> None:
    try:
        value = parse(data)
    except NotCanonical:
        return
    assert canonical(value) == data
