"""TRUNCATE, CREATE, ALTER, DROP and UNDROP of one table, read by a small grammar of our own and written anew from it.

What is not in the grammar is refused: no clause is stepped over. Nothing of the caller's text is printed, only names
that were understood, types of a fixed set, and numbers. A table cannot be renamed, nor a column: data would move to a
name that the policy may call public. No table is made from a query, for the same reason.

Sources: https://docs.snowflake.com/en/sql-reference/sql/truncate-table, .../create-table, .../alter-table,
.../drop-table, .../undrop-table, .../create-clone
"""

import hashlib
import re
from collections.abc import Sequence
from typing import assert_never

from sqlglot.tokenizer_core import Token, TokenType

from policy.bounds import tokens_of
from policy.identifiers import has_control, is_reserved
from policy.names import TableName, fold, quote
from policy.refusal import PolicyCode, PolicyRefusal
from policy.resolve import Defaults
from policy.statement import (
    AddColumn,
    Create,
    Drop,
    DropColumn,
    Literal,
    PutBack,
    SqlStatement,
    TableChange,
    Truncate,
    Undrop,
    Verb,
)
from policy.tree import ColumnFacts, Reference, Shape, Structure, Tree

COLUMNS_MAX = 500
STATEMENT_ID = re.compile(r"[0-9A-Za-z-]{1,64}\Z")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})?( [+-]\d{4})?\Z")

_BEGINS = re.compile(r"(?>(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*)(TRUNCATE|CREATE|ALTER|DROP|UNDROP)\b", re.I | re.S)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*\Z")
_TYPES = {
    name: numbers
    for numbers, names in {
        2: "NUMBER DECIMAL NUMERIC",
        1: "VARCHAR CHAR STRING TEXT BINARY TIME TIMESTAMP TIMESTAMP_NTZ TIMESTAMP_LTZ TIMESTAMP_TZ DATETIME",
        0: "INT INTEGER BIGINT SMALLINT FLOAT DOUBLE REAL BOOLEAN DATE VARIANT OBJECT ARRAY",
    }.items()
    for name in names.split()
}
"""Types that a column may be given, with how many numbers may follow in brackets."""

_HINT = (
    "write TRUNCATE TABLE t, DROP TABLE t, UNDROP TABLE t, CREATE TABLE t (column type [NOT NULL], ...), "
    "ALTER TABLE t ADD COLUMN c type or ALTER TABLE t DROP COLUMN c; nothing else can be changed about a table; "
    "to fill one from a query, create it, then INSERT INTO t (column, ...) SELECT ..."
)
_NONE = frozenset[str]()
_NO_COLUMNS = ColumnFacts((), None, is_certain=True)
_STRUCTURE = Structure(
    has_where=False,
    where_is_trivial=False,
    has_limit=False,
    limit=None,
    selects_star=False,
    joins=0,
    cross_joins=0,
    unrestricted=frozenset(),
    grouped=frozenset(),
)


def understand_change(text: str, defaults: Defaults) -> SqlStatement | None:
    """The change of a table that `text` is; None if it begins like something else. Raises PolicyRefusal."""
    if _BEGINS.match(text) is None:
        return None
    reader = _Reader(text, tokens_of(text), defaults)
    change, table, at = reader.change()
    before, after = written(change, table.quoted)
    reference = Reference(table, "", is_target=True, is_sampled=False, at=at)
    literals = (Literal("string", change.moment),) if isinstance(change, PutBack) else ()
    skeleton = f"{before}{table}{f' CLONE {table} ? COPY GRANTS' if literals else after}"
    return SqlStatement(
        verb=verb_of(change),
        reads=frozenset(),
        target=table,
        functions=_NONE,
        binds=0,
        skeleton=skeleton,
        literals=literals,
        digest=hashlib.sha256(f"change\0{before}\0{table!r}\0{after}".encode()).hexdigest(),
        tree=Tree((before, after), (reference,), _shape(change), _NO_COLUMNS, _STRUCTURE),
        change=change,
    )


def written(change: TableChange, table: str) -> tuple[str, str]:
    """What stands before and after the name of the table, which is `table` in SQL."""
    match change:
        case Truncate():
            return "TRUNCATE TABLE ", ""
        case Create(columns):
            shown = (f"{quote(name)} {type_}{'' if nullable else ' NOT NULL'}" for name, type_, nullable in columns)
            return "CREATE TABLE ", f" ({', '.join(shown)})"
        case AddColumn(name, type_):
            return "ALTER TABLE ", f" ADD COLUMN {quote(name)} {type_}"
        case DropColumn(name):
            return "ALTER TABLE ", f" DROP COLUMN {quote(name)}"
        case Drop():
            return "DROP TABLE ", ""
        case Undrop():
            return "UNDROP TABLE ", ""
        case PutBack(moment):
            return "CREATE OR REPLACE TABLE ", f" CLONE {table} {moment} COPY GRANTS"
        case _:
            assert_never(change)


def verb_of(change: TableChange) -> Verb:
    """The verb that a rule must name."""
    match change:
        case Truncate():
            return Verb.TRUNCATE
        case Create():
            return Verb.CREATE
        case AddColumn() | DropColumn():
            return Verb.ALTER
        case Drop():
            return Verb.DROP
        case Undrop() | PutBack():
            return Verb.RESTORE
        case _:
            assert_never(change)


def _shape(change: TableChange) -> Shape:
    """Which columns it meets: the one that it names, or all of them."""
    named = frozenset({change.name}) if isinstance(change, AddColumn | DropColumn) else _NONE
    return Shape(names=named, values=_NONE, has_star=False, has_where=False, is_whole=not named)


class _Reader:
    """Reads the tokens of one statement from left to right; whatever does not fit refuses it."""

    def __init__(self, text: str, tokens: Sequence[Token], defaults: Defaults) -> None:
        self._text = text
        self._tokens = tokens
        self._defaults = defaults
        self._next = 0

    def change(self) -> tuple[TableChange, TableName, int]:
        """The whole statement: what it does, to which table, and where that is named."""
        if self._took("TRUNCATE"):
            self._took("TABLE")
            self._if_exists()
            return self._ending(Truncate())
        if self._took("DROP", "TABLE"):
            self._if_exists()
            return self._ending(Drop())
        if self._took("UNDROP", "TABLE"):
            return self._ending(Undrop())
        if self._took("CREATE", "OR", "REPLACE", "TABLE"):
            return self._put_back()
        if self._took("CREATE", "TABLE"):
            table, at = self._table()
            return self._ended(Create(self._columns())), table, at
        if self._took("ALTER", "TABLE"):
            self._if_exists()
            table, at = self._table()
            return self._ended(self._alteration()), table, at
        raise self._refused()

    def _ending(self, change: TableChange) -> tuple[TableChange, TableName, int]:
        table, at = self._table()
        return self._ended(change), table, at

    def _put_back(self) -> tuple[TableChange, TableName, int]:
        table, at = self._table()
        self._need("CLONE")
        if self._table()[0] != table:
            raise self._refused()  # data would come to be under another name
        moment = self._moment()
        if self._took("COPY"):
            self._need("GRANTS")
        return self._ended(PutBack(moment)), table, at

    def _moment(self) -> str:
        if self._took("BEFORE", "(", "STATEMENT", "=>"):
            text = self._string()
            self._need(")")
            if STATEMENT_ID.match(text):
                return f"BEFORE (STATEMENT => '{text}')"
        elif self._took("AT", "(", "TIMESTAMP", "=>"):
            text = self._string()
            self._need("::")
            self._need("TIMESTAMP_TZ")
            self._need(")")
            if MOMENT.match(text):
                return f"AT (TIMESTAMP => '{text}'::TIMESTAMP_TZ)"
        raise self._refused()

    def _alteration(self) -> AddColumn | DropColumn:
        if self._took("ADD"):
            self._took("COLUMN")
            name = self._name()
            return AddColumn(name, self._type())
        self._need("DROP")
        self._took("COLUMN")
        return DropColumn(self._name())

    def _columns(self) -> tuple[tuple[str, str, bool], ...]:
        self._need("(")
        columns: list[tuple[str, str, bool]] = []
        while True:
            name, type_ = self._name(), self._type()
            columns.append((name, type_, not self._took("NOT", "NULL")))
            if self._took(")"):
                break
            self._need(",")
        if len(columns) > COLUMNS_MAX or len({name for name, _, _ in columns}) < len(columns):
            raise self._refused()
        return tuple(columns)

    def _type(self) -> str:
        word = self._word()
        allowed = _TYPES.get(word)
        if allowed is None:
            raise self._refused()
        self._next += 1
        if not allowed or not self._took("("):
            return word
        numbers = [self._number()]
        while len(numbers) < allowed and self._took(","):
            numbers.append(self._number())
        self._need(")")
        return f"{word}({','.join(numbers)})"

    def _table(self) -> tuple[TableName, int]:
        at = self._tokens[self._next].start if self._next < len(self._tokens) else 0
        parts = [self._name()]
        while len(parts) < 3 and self._took("."):
            parts.append(self._name())
        database = parts[-3] if len(parts) > 2 else self._defaults.database
        schema = parts[-2] if len(parts) > 1 else self._defaults.schema
        if database is None or schema is None:
            raise PolicyRefusal(
                PolicyCode.OBJECT_NOT_FOUND,
                f"`{'.'.join(parts)}` does not exist or is not open to you",
                "write the table's full name: DATABASE.SCHEMA.TABLE",
                at,
            )
        return TableName(database, schema, parts[-1]), at

    def _name(self) -> str:
        if self._next >= len(self._tokens):
            raise self._refused()
        token = self._tokens[self._next]
        is_quoted = token.token_type is TokenType.IDENTIFIER
        fits = bool(token.text) if is_quoted else _PLAIN_NAME.match(self._word())
        if not fits or is_reserved(token.text) or has_control(token.text):
            raise self._refused()
        self._next += 1
        return fold(token.text, quoted=is_quoted)

    def _string(self) -> str:
        if self._next >= len(self._tokens) or self._tokens[self._next].token_type is not TokenType.STRING:
            raise self._refused()
        self._next += 1
        return self._tokens[self._next - 1].text

    def _number(self) -> str:
        word = self._word()
        if not re.fullmatch(r"[0-9]{1,8}", word):
            raise self._refused()
        self._next += 1
        return word

    def _if_exists(self) -> None:
        self._took("IF", "EXISTS")

    def _ended(self, change: TableChange) -> TableChange:
        self._took(";")
        if self._next < len(self._tokens):
            raise self._refused()
        return change

    def _took(self, *words: str) -> bool:
        """Whether the next words are these; then they are behind us."""
        if tuple(self._word(n) for n in range(len(words))) != words:
            return False
        self._next += len(words)
        return True

    def _need(self, word: str) -> None:
        if not self._took(word):
            raise self._refused()

    def _word(self, ahead: int = 0) -> str:
        """A word or sign in upper case; nothing at the end, and for what is quoted in any way."""
        if self._next + ahead >= len(self._tokens):
            return ""
        token = self._tokens[self._next + ahead]
        is_bare = self._text[token.start : token.end + 1] == token.text
        return token.text.upper() if is_bare and token.token_type is not TokenType.IDENTIFIER else ""

    def _refused(self) -> PolicyRefusal:
        first = self._tokens[0].text.upper()[:30]
        at = self._tokens[min(self._next, len(self._tokens) - 1)].start
        return PolicyRefusal(PolicyCode.STATEMENT_NOT_ALLOWED, f"this `{first}` statement is not allowed", _HINT, at)
