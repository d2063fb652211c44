"""What Snowflake already says of columns, as the beginning of a policy: its tags, and policies of its own."""

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from policy.catalog import Catalog, Column
from policy.names import TableName, display
from policy.rulebook import Policy

SHOWN_MAX = 5
"""Columns of a tag or policy that are named."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A classification for one tag: a name that no other has, the tag in full, and the columns that it is on."""

    name: str
    tag: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """Classifications that a policy lacks, and columns by the masking policy of Snowflake's own that is on them."""

    proposed: tuple[Proposed, ...]
    native: Mapping[str, tuple[str, ...]]


def imported(catalog: Catalog, policy: Policy | None = None) -> Imported:
    """What the tags and policies in `catalog` come to, beside what `policy` has."""
    tagged: dict[str, list[str]] = defaultdict(list)
    native: dict[str, list[str]] = defaultdict(list)
    for name, table in catalog.tables.items():
        for column in table.columns:
            for tag in _full(column):
                tagged[tag].append(column_name(name, column))
            for each in column.native_policies:
                native[each].append(column_name(name, column))
    known = [] if policy is None else policy.classifications
    taken = {each.name for each in known}
    proposed: list[Proposed] = []
    for tag, columns in sorted(tagged.items()):
        if any(own.tags & {tag.upper(), tag.rpartition(".")[2].upper()} for own in known):
            continue
        called = _free(tag, taken)
        taken.add(called)
        proposed.append(Proposed(called, tag, tuple(sorted(columns))))
    return Imported(tuple(proposed), {each: tuple(sorted(columns)) for each, columns in sorted(native.items())})


def _full(column: Column) -> Iterable[str]:
    """The tags of a column, without their values; a short name only where no full one ends in it."""
    names = [tag for tag in column.tags if "=" not in tag]
    ends = {name.rpartition(".")[2] for name in names if "." in name}
    return [name for name in names if "." in name or name not in ends]


def _free(tag: str, taken: set[str]) -> str:
    """A name for the classification of `tag`: its last part, and as much more as it takes to be another."""
    parts = [re.sub(r"\W+", "_", part).strip("_").lower() or "tag" for part in tag.split(".")]
    names = ["_".join(parts[-count:]) for count in range(1, len(parts) + 1)]
    numbered = (f"{names[-1]}_{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain(names, numbered) if name not in taken)


def column_name(table: TableName, column: Column) -> str:
    """A column as a pattern of policies names it, and no other."""
    return f"{table}.{display(column.name)}"


def document_of(found: Imported) -> str:
    """YAML to put into a policy: each classification shown to nobody until somebody says otherwise."""
    lines = ["# From the tags of Snowflake. Say by a mask what of each is shown, and to whom."]
    lines += ["classifications:"] if found.proposed else ["classifications: []"]
    for each in found.proposed:
        lines.append(f"  # {len(each.columns)} columns: {listed(each.columns, SHOWN_MAX)}")
        lines.append(f"  - {{ name: {each.name}, tags: [{json.dumps(each.tag)}] }}")
    if found.proposed:
        lines.append("masks:")
        lines += [f"  - {{ classification: {each.name}, mask: {{ kind: 'null' }} }}" for each in found.proposed]
    if found.native:
        lines.append("# Masking policies of Snowflake's own stay in force. A column with one is shown as they mask it")
        lines.append("# only where `public` has it by its name, and no wildcard.")
    for policy, columns in found.native.items():
        lines.append(f"#   {in_comment(policy)}: {listed(columns, SHOWN_MAX)}")
    return "\n".join(lines) + "\n"


def in_comment(name: str) -> str:
    """`name` so that it cannot end a comment of YAML, whatever characters somebody gave it."""
    return name if name.isprintable() else json.dumps(name)


def listed(names: Sequence[str], most: int) -> str:
    """The first of `names`, and how many more there are, for a comment."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(in_comment, names[:most])) + more
