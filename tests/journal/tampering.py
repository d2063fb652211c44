"""Every way that we know to tamper with a journal, as what somebody does who owns the database. docs/TAMPERING.md is
made from what the verifier says of each."""

from dataclasses import dataclass
from typing import TypeAlias

OTHER_BODY = "convert_to(replace(convert_from(body, 'utf8'), 'permit', 'forbid'), 'utf8')"
NESTED = (
    "convert_to(replace(convert_from(body, 'utf8'), '\"facts\":{', "
    "'\"facts\":{\"a\":' || repeat('[', 20000) || repeat(']', 20000) || ','), 'utf8')"
)
MONTH_BEFORE = "(date_trunc('month', {}) - interval '1 month')::date"
LEAF = "sha256('\\x00'::bytea || {})"
ONE = "where n = 9"

Statements: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attack:
    """What is done, and whether it shows without anything that was kept outside the database."""

    name: str
    statements: Statements
    shows_inside: bool = True
    signs_after_s: float = 0.0
    """If it is not 0, the key of the log is stolen as well, or goes on being used, and signs the head so much later."""


def _flips() -> list[Attack]:
    """One bit of each column of each table that is evidence."""
    flip = "set {0} = set_bit({0}, 13, 1 - get_bit({0}, 13))"
    text_flip = "set {0} = overlay({0} placing 'q' from 5)"
    bytes_of = {
        "entry": (("digest", "body"), ("stage", "call_id", "subject")),
        "stream": ((), ("key",)),
        "tile": (("hashes",), ()),
        "checkpoint": (("root",), ("note",)),
    }
    others = {
        "entry": {
            "n": "n = n + 1000000",
            "at": "at = at + interval '1 microsecond'",
            "stream": "stream = overlay(stream::text placing 'a' from 1 for 1)::uuid",
        },
        "stream": {"stream": "stream = gen_random_uuid()", "month": "month = month - interval '1 month'"},
        "head": {"size": "size = size # 1"},
        "cursor": {"next_n": "next_n = next_n # 1", "stream": "stream = gen_random_uuid()"},
        "run": {
            "first": "first = first + 1000000", "n": "n = n # 1", "count": "count = count + 1",
            "stream": "stream = gen_random_uuid()",
        },
        "tile": {"level": "level = level + 4", "index": "index = index + 4"},
        "checkpoint": {
            "size": "size = size # 1", "at": "at = at + interval '1 second'", "id": "id = id + 1000000",
        },
    }  # fmt: skip
    where = {"entry": ONE, "checkpoint": "where id = 1", "run": "where first = 0", "tile": "where level = 0"}
    found: list[Attack] = []
    for table in ("entry", "stream", "head", "cursor", "run", "tile", "checkpoint"):
        binary, texts = bytes_of.get(table, ((), ()))
        sets = {column: flip.format(column) for column in binary}
        sets |= {column: text_flip.format(column) for column in texts}
        sets |= {column: f"set {change}" for column, change in others.get(table, {}).items()}
        for column, change in sets.items():
            statement = f"update journal.{table} {change} {where.get(table, '')}"
            found.append(Attack(f"one bit of `{table}.{column}`", (statement,)))
    signature = "signature = set_bit(signature, 13, 1 - get_bit(signature, 13)) where signature is not null"
    return [*found, Attack("one bit of `entry.signature`", (f"update journal.entry set {signature}",))]


ATTACKS: list[Attack] = [
    Attack("change a decision in the bytes", (f"update journal.entry set body = {OTHER_BODY} {ONE}",)),
    Attack(
        "change a decision in the bytes and their hash",
        (f"update journal.entry set body = {OTHER_BODY}, digest = {LEAF.format(OTHER_BODY)} {ONE}",),
    ),
    Attack("change who asked, in the column alone", (f"update journal.entry set subject = 'eve' {ONE}",)),
    Attack("date an entry back", (f"update journal.entry set at = at - interval '1 day' {ONE}",)),
    Attack("date the end of a stream otherwise", (
        "update journal.entry set at = at + interval '1 hour' where stage = 'stream.close'",
    )),
    Attack("date an entry beyond every calendar", (f"update journal.entry set at = 'infinity' {ONE}",)),
    Attack("date a head before every calendar", ("update journal.checkpoint set at = '-infinity' where id = 1",)),
    Attack("move a stream beyond every calendar", ("update journal.stream set month = '20000-01-01'",)),
    Attack("move all streams to another month", (
        f"select journal.ensure_month({MONTH_BEFORE.format('now()')})",
        f"update journal.stream set month = {MONTH_BEFORE.format('month')}",
        f"update journal.entry set month = {MONTH_BEFORE.format('month')}",
    )),
    Attack("nest the facts of an entry deeper than anybody reads", (
        f"update journal.entry set body = {NESTED}, digest = {LEAF.format(NESTED)} {ONE}",
    )),
    Attack("keep streams out of the tree, as if they had ended", (
        "update journal.cursor set closed = true",
    ), signs_after_s=7_200.0),
    Attack("remove one entry", (f"delete from journal.entry {ONE}",)),
    Attack("remove a call", ("delete from journal.entry where call_id = 'call-4'",)),
    Attack(
        "swap two entries",
        (
            "update journal.entry set n = n + 1000000 where n in (9, 10)",
            "update journal.entry set n = case n when 1000009 then 10 else 9 end where n >= 1000000",
        ),
    ),
    Attack("empty the table", ("truncate journal.entry",)),
    Attack("repeat an entry further on", (
        "insert into journal.entry select month, stream, n + 1000, at, stage, call_id, subject, digest, body, "
        f"signature from journal.entry {ONE}",
    )),
    Attack("insert into a stream that nobody opened", (
        "insert into journal.entry select month, gen_random_uuid(), 0, at, stage, call_id, subject, digest, body, "
        f"signature from journal.entry {ONE}",
    )),
    Attack("open a stream with a key of one's own", (
        "insert into journal.stream select gen_random_uuid(), month, 'eve+00000000+AAAA' from journal.stream",
    )),
    Attack("remove a stream everywhere", (
        "truncate journal.entry", "truncate journal.stream", "truncate journal.run", "truncate journal.cursor",
    )),
    Attack("take a writer's signatures away", ("update journal.entry set signature = null",)),
    Attack("drop the month", (
        "set role journal_owner",
        "do $$ declare p text; begin for p in select relname from pg_class where relname like 'entry_2%' "
        "and relkind = 'r' loop execute 'drop table journal.' || p; end loop; end $$",
    )),
    Attack("change the note of a signed head", (
        "update journal.checkpoint set note = replace(note, E'\\n', E'\\nx\\n') where id = 1",
    )),
    Attack("remove an old signed head", ("delete from journal.checkpoint where id = 1",)),
    Attack("remove the newest signed head", (
        "delete from journal.checkpoint where id = (select max(id) from journal.checkpoint)",
    ), shows_inside=False),
    Attack("remove the newest signed head, and sign another in its place with the stolen key of the log", (
        "delete from journal.checkpoint where id = (select max(id) from journal.checkpoint)",
    ), shows_inside=False, signs_after_s=60.0),
    Attack("remove a tile", ("delete from journal.tile where level = 0",)),
    Attack("shorten the tree by one run", (
        "delete from journal.run where first = (select max(first) from journal.run)",
    )),
    Attack("cut the newest entries off, within a batch", (
        "update journal.entry set signature = null where n = (select max(n) - 1 from journal.entry)",
        "delete from journal.entry where n = (select max(n) from journal.entry)",
    )),
    Attack("cut the newest entries off, behind a signature and before a signed head", (
        "delete from journal.entry where n = (select max(n) from journal.entry)",
    ), shows_inside=False),
    *_flips(),
]  # fmt: skip
"""They are tried on a journal of 40 calls in two signed heads, and two calls more that are under none."""
