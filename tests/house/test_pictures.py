"""The documentation's pictures show what there is: they are drawn anew and compared."""

import re

import pytest

from tests.house import tree
from tests.house.pictures import DRAWN, PICTURES, steps

PAGES = [tree.ROOT / "README.md", *sorted((tree.ROOT / "docs").glob("*.md"))]
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_what_is_drawn_now(name: str) -> None:
    """`python -m tests.house.pictures` draws them."""
    assert (PICTURES / name).read_text(encoding="utf-8") == DRAWN[name]()


def test_the_line_has_the_eight_steps_in_their_order() -> None:
    names = ["identity", "parse", "decide", "hold", "lease", "execute", "mask", "journal"]
    assert [(int(number), name) for number, name, _ in steps()] == list(enumerate(names, start=1))


def test_every_picture_is_shown_somewhere_and_says_in_words_what_it_shows() -> None:
    shown = {}
    for page in PAGES:
        for words, target in IMAGE.findall(page.read_text(encoding="utf-8")):
            shown[(page.parent / target).resolve()] = words
    assert set(shown) == set(PICTURES.iterdir())
    assert all(len(words.split()) > 5 for words in shown.values())
