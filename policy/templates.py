"""What differs from a statement already understood in plain literals alone is not understood anew.

Agents ask one question again and again with another key or another day in it; databases plan such statements once
(*simple parameterization*). Each template must come out of the text that it was made at just as that was understood in
full, or there is none; and whatever fills no template is understood in full.
"""

from collections.abc import Callable
from enum import Enum

from policy.lru import Lru
from policy.refusal import PolicyRefusal
from policy.statement import SqlStatement, Verb
from policy.syntax import parse_one
from policy.template import Blanked, Cut, Frame, Key, Template, are_apart, blanked, cut, template_of
from policy.tree import Tree

TEMPLATES_REMEMBERED = 256
TEMPLATE_CHARACTERS_MAX = 4_000
BLANKS_MAX = 64
PLACES_MAX, OUTPUTS_MAX = 20, 1_000
"""References to tables and columns of the answer of a statement that is made a template; more are rare and large."""


class _Known(Enum):
    """What is known of texts that have no template."""

    ONCE = "met once"
    UNFIT = "not to be templates"


class Templates:
    """The templates of one way to understand texts, within bounds. Not for use from several threads at once.

    Only what comes a third time is made a template, which takes as long as understanding it twice.
    """

    def __init__(self, understand: Callable[[str], SqlStatement]) -> None:
        """`understand` gives the statement that a text is, or raises PolicyRefusal; equal texts, equal statements."""
        self._understand = understand
        self._free: Lru[Frame, tuple[bool, ...] | _Known] = Lru(TEMPLATES_REMEMBERED)
        self._templates: Lru[Key, Template | _Known] = Lru(TEMPLATES_REMEMBERED)

    def filled(self, text: str) -> SqlStatement | None:
        """The statement that `text` is, if that is known of a template."""
        this = _cut(text)
        free = None if this is None else self._free.get(this.frame)
        if this is None or not isinstance(free, tuple):
            return None
        key, values = this.filling(free)
        template = self._templates.get(key)
        return template.filled(values) if isinstance(template, Template) else None

    def learn(self, text: str, statement: SqlStatement) -> None:
        """Take note that `text` was understood in full, as `statement`."""
        this = _cut(text)
        if this is None or statement.verb is not Verb.READ or not _is_small(statement.tree):
            return
        free = self._free.get(this.frame)
        if free is None:
            self._free.put(this.frame, _Known.ONCE)
            return
        if free is _Known.ONCE:
            free = self._free.put(this.frame, _free(this))
        if isinstance(free, tuple):
            self._learn(*this.filling(free), statement)

    def _learn(self, key: Key, values: tuple[str, ...], statement: SqlStatement) -> None:
        known = self._templates.get(key)
        if known is None:
            self._templates.put(key, _Known.ONCE)
        elif known is _Known.ONCE and are_apart(values, [each for each in key[1] if isinstance(each, str)]):
            template = self._made(blanked(key))
            is_right = template is not None and _is_same(template.filled(values), statement)
            self._templates.put(key, template if template is not None and is_right else _Known.UNFIT)

    def _made(self, text: Blanked) -> Template | None:
        try:
            return template_of(text, parse_one(text.text), self._understand(text.text))
        except PolicyRefusal:
            return None


def _cut(text: str) -> Cut | None:
    """`text`, cut at its plain literals; None if there are none, or more than is worth it."""
    this = cut(text) if len(text) <= TEMPLATE_CHARACTERS_MAX else None
    return this if this is not None and 0 < len(this.literals) <= BLANKS_MAX else None


def _free(this: Cut) -> tuple[bool, ...] | _Known:
    """Which literals of a text any other could stand for, going by its syntax alone."""
    apart = this.apart()
    try:
        free = apart.free(parse_one(apart.text))
    except PolicyRefusal:
        return _Known.UNFIT
    return free if any(free) else _Known.UNFIT


def _is_small(tree: Tree) -> bool:
    """Whether a template may be kept of a statement, and all its columns are known to exist."""
    columns = tree.columns
    return columns.unknown is None and len(tree.places) <= PLACES_MAX and len(columns.outputs or ()) <= OUTPUTS_MAX


def _is_same(one: SqlStatement | None, other: SqlStatement) -> bool:
    return one is not None and one == other and one.tree == other.tree
