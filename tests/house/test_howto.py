"""What the how-tos show is what comes."""

from tests.house.typed import type_out


def test_whoever_types_the_how_tos_sees_what_they_show() -> None:
    type_out("HOWTO.md")
