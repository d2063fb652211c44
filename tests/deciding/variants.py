"""Texts that differ in literals, and whether a template that was made of some of them says what others are."""

import random
from collections.abc import Callable, Sequence

from sqlglot.tokenizer_core import TokenType

from policy.dialect import tokenized
from policy.functions import CALLED_WITHOUT_BRACKETS, FUNCTIONS_ALLOWED
from policy.refusal import PolicyRefusal
from policy.statement import SqlStatement
from policy.template import Template
from policy.templates import Templates

NUMBERS = ("0", "1", "2", "3", "5", "7", "10", "60", "100", "2026", "99999", "999999999999999", "1.5", "007", "1e3")
_WORDS = r"""
A a AB ab x y 0 1 5 r 2026-01-31 10.5 a_b ORDERS orders nation NATION CURRENT_DATE CURRENT_USER RANDOM UUID_STRING
SELECT ALL DISTINCT UNION NULL TRUE END DAY year IDENTIFIER __GW_T0 __gw_x METADATA$ACTION % a% _ -- /* ; // $$ \\n \\
"""
_FUNCTIONS = sorted(FUNCTIONS_ALLOWED | CALLED_WITHOUT_BRACKETS)
_PHRASES = ("New York", "a  b", "2026-01-31 10:00:00.000+01", "CASE WHEN", "it''s", "", " ", "SELECT 1", "é")
TEXTS = (*_WORDS.split(), *_PHRASES, *_FUNCTIONS[::40], *(f"a {name}" for name in _FUNCTIONS[7::40]))

Understand = Callable[[str], SqlStatement]


def varied(text: str, dice: random.Random, *, share: float = 0.7) -> str:
    """`text` with some of its literals replaced by others of their kind, however they are written."""
    try:
        tokens = tokenized(text)
    except Exception:
        return text
    out, end = "", 0
    for token in tokens:
        if token.token_type in (TokenType.STRING, TokenType.NUMBER) and dice.random() < share:
            is_text = token.token_type is TokenType.STRING
            out += text[end : token.start] + (f"'{dice.choice(TEXTS)}'" if is_text else dice.choice(NUMBERS))
            end = token.end + 1
    return out + text[end:]


def learned(understand: Understand, texts: Sequence[str]) -> Templates:
    """Templates that have met `texts`, in order, as an engine has."""
    templates = Templates(understand)
    for text in texts:
        if templates.filled(text) is None:
            try:
                templates.learn(text, understand(text))
            except PolicyRefusal:
                continue
    return templates


def made(templates: Templates) -> int:
    """How many templates there are."""
    return sum(isinstance(each, Template) for each in templates._templates._entries.values())


def agrees(templates: Templates, understand: Understand, text: str) -> bool:
    """Whether a template is filled by `text`; fails unless that is exactly what it is understood as in full."""
    filled = templates.filled(text)
    if filled is None:
        return False
    understood = understand(text)  # raises, where a template would let through what is refused
    assert filled == understood, text
    assert filled.tree == understood.tree, text
    return True
