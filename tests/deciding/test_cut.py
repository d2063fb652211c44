"""A text is cut into words and signs by itself: whatever was cut before it, and whatever another thread cuts."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlglot.errors import TokenError

from policy.dialect import SNOWFLAKE, tokenized

TEXTS = ["SELECT 1", "SELECT 'a''b' /* c */ FROM t -- d", "", 'SELECT x.y:z[0]\n\n, $1 FROM "T"', "a 'b' " * 500]


def _cut(text: str) -> list[tuple[object, ...]]:
    return [(t.token_type, t.text, t.line, t.col, t.start, t.end, t.comments) for t in tokenized(text)]


def _anew(text: str) -> list[tuple[object, ...]]:
    return [(t.token_type, t.text, t.line, t.col, t.start, t.end, t.comments) for t in SNOWFLAKE.tokenize(text)]


@pytest.mark.parametrize("before", ["SELECT 2 -- left open", "SELECT 'never closed", "SELECT $$ never closed", "/* c"])
@pytest.mark.parametrize("text", TEXTS)
def test_nothing_is_left_over_from_the_text_before(before: str, text: str) -> None:
    with suppress(TokenError):
        tokenized(before)
    assert _cut(text) == _anew(text)


def test_what_was_cut_stays_as_it_was() -> None:
    first = tokenized("SELECT a")
    tokenized("DELETE FROM b WHERE c")
    assert [token.text for token in first] == ["SELECT", "a"]


def test_threads_cut_their_own_texts() -> None:
    texts = [f"SELECT {n}, '{n}' -- {n}" for n in range(200)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(_cut, texts)) == [_anew(text) for text in texts]


@pytest.mark.parametrize(
    "text", [*TEXTS, "SELECT 'never closed", "SELECT 2 -- left open", "CALL x; /*+ hint */ SELECT 1"]
)
def test_a_tokeniser_that_begins_anew_is_like_one_that_was_never_used(text: str) -> None:
    used, unused = SNOWFLAKE.tokenizer()._core, SNOWFLAKE.tokenizer()._core
    names = [name for name in dir(unused) if not name.startswith("__") and not callable(getattr(unused, name))]
    assert {"sql", "tokens", "_comments"} <= set(names)
    with suppress(TokenError):
        used.tokenize(text)
    used.reset()
    assert {name: getattr(used, name) for name in names} == {name: getattr(unused, name) for name in names}
