"""When one rule says nothing that another does not say already: audiences, patterns and rules that cover others.

What cannot be told is taken not to be covered: a rule is called shadowed only where it surely is.
"""

from collections.abc import Iterator

from policy.decision import Effect
from policy.patterns import PartPattern, Pattern
from policy.rulebook import Rule, Who

_STRICTNESS = {Effect.FORBID: 2, Effect.HOLD: 1, Effect.PERMIT: 0}


def shadows(rules: tuple[Rule, ...]) -> Iterator[tuple[Rule, Rule]]:
    """Each rule that can go without changing any decision, with a rule because of which it can.

    Of two rules that say the same, the later is the shadowed one.
    """
    for n, rule in enumerate(rules):
        for m, other in enumerate(rules):
            if m != n and covers_rule(other, rule) and (m < n or not covers_rule(rule, other)):
                yield rule, other
                break


def covers_rule(strong: Rule, weak: Rule) -> bool:
    """Whether `strong` applies wherever `weak` does, with an effect that leaves nothing of `weak`'s."""
    if _STRICTNESS[strong.effect] < _STRICTNESS[weak.effect] or weak.message is not None:
        return False
    is_always = strong.when is None or (weak.when is not None and strong.when.text == weak.when.text)
    is_for_all = strong.unless is None or strong.unless == weak.unless
    return (
        is_always
        and is_for_all
        and strong.verbs >= weak.verbs
        and covers_who(strong.who, weak.who)
        and all(any(covers_pattern(wide, narrow) for wide in strong.tables) for narrow in weak.tables)
    )


def covers_who(wide: Who, narrow: Who) -> bool:
    """Whether everybody in `narrow` is surely in `wide`."""
    if wide.anyone:
        return True
    if narrow.anyone:
        return False
    pairs = [
        (wide.groups, narrow.groups),
        (wide.subjects, narrow.subjects),
        (wide.actors, narrow.actors),
        (wide.issuers, narrow.issuers),
    ]
    claims = dict(narrow.claims)
    return all(not asked or (bool(given) and given <= asked) for asked, given in pairs) and all(
        name in claims and claims[name] <= values for name, values in wide.claims
    )


def covers_pattern(wide: Pattern, narrow: Pattern) -> bool:
    """Whether every name that `narrow` means is one that `wide` means."""
    return all(_covers_part(one, other) for one, other in zip(wide.parts, narrow.parts, strict=True))


def _covers_part(wide: PartPattern, narrow: PartPattern) -> bool:
    if (not wide.is_exact and wide.text == "*") or wide == narrow:
        return True
    return narrow.is_exact and wide.matches(narrow.text)
