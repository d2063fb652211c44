"""What the tutorial shows is what comes."""

from tests.house.typed import type_out


def test_whoever_types_the_tutorial_sees_what_it_shows() -> None:
    type_out("TUTORIAL.md")
