"""The reference of commands is what the program says of itself."""

import re

from tests.house import commands


def test_the_page_of_commands_is_what_the_program_says() -> None:
    page = commands.page()
    assert commands.PAGE.read_text(encoding="utf-8") == page, "run `python -m tests.house.commands`"
    shown = re.findall(r"^## snowgate (.+)$", page, re.MULTILINE)
    assert {"serve", "init", "policy check", "journal verify"} <= set(shown)
