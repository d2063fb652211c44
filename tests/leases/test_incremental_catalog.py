"""After the first reading of the catalog only what has changed is read again, and nothing that changed is missed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from policy.catalog import Catalog, Column, Table, TableKind
from policy.names import TableName
from server import catalog_loader
from server.catalog_loader import Reading, load_catalog
from server.credentials import AccessToken
from server.raw import RawRows
from server.sandbox import account
from server.sandbox.run import Sandbox
from server.sandbox.state import LOOPBACK
from server.warehouse import Account, Order, SnowflakeSession
from tests.support.sandbox import connection, minter, rows

T = TableName("CRM", "PUBLIC", "INCREMENTAL")


class Counted:
    """A session of the catalog's own user, and what it was asked."""

    def __init__(self, session: SnowflakeSession) -> None:
        self.session = session
        self.asked: list[str] = []

    def run(self, order: Order) -> RawRows:
        self.asked.append(" ".join(order.sql.split()))
        return self.session.run(order)

    def took(self, kind: str) -> list[str]:
        return [sql for sql in self.asked if kind in sql.upper()]


@pytest.fixture
def session(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    monkeypatch.setattr(catalog_loader, "SETTLED_S", 0)
    token = minter(sandbox.state).mint(account.CATALOG_USER, account.CATALOG_ROLE)
    where = Account(account.ACCOUNT_NAME, LOOPBACK, sandbox.state.ports.snowflake, "http")
    opened = SnowflakeSession(
        where, AccessToken(SecretStr(token)), role=account.CATALOG_ROLE, warehouse=account.WAREHOUSE
    )
    yield Counted(opened)
    opened.close()


@pytest.fixture
def owner(sandbox: Sandbox) -> Iterator[Callable[[str], Any]]:
    """Runs DDL as somebody who may; what it made is gone afterwards."""
    with connection(sandbox.state, "STELLA", "STEWARD_RW") as steward:

        def run(sql: str) -> Any:
            return rows(steward, sql)

        run(f"CREATE OR REPLACE TABLE {T} (A NUMBER, B VARCHAR)")
        yield run
        run(f"ALTER TABLE {T} UNSET TAG gov.tags.pii")
        run(f"ALTER TABLE {T} MODIFY COLUMN b UNSET TAG gov.tags.pii")
        run(f"DROP VIEW IF EXISTS {T}_V")
        run(f"DROP TABLE IF EXISTS {T}")


def reread(session: Counted, before: Reading | None = None) -> Reading:
    """A reading after `before`, which must be what a reading of everything gives."""
    session.asked.clear()
    now = load_catalog(session, ["CRM"], before, is_governed=True)  # type: ignore[arg-type]
    asked = list(session.asked)
    whole = load_catalog(session, ["CRM"], is_governed=True)  # type: ignore[arg-type]
    session.asked = asked
    assert now.catalog.digest == whole.catalog.digest
    return now


def columns_of(reading: Reading, name: TableName = T) -> list[str]:
    return [column.name for column in reading.catalog.tables[name].columns]


def test_what_has_not_changed_is_not_read_again(session: Counted, owner: Callable[[str], Any]) -> None:
    first = reread(session)
    again = reread(session, first)
    assert again.catalog is first.catalog
    assert not session.took("INFORMATION_SCHEMA.COLUMNS")
    assert not session.took("INFORMATION_SCHEMA.VIEWS")
    assert len(session.asked) == 3  # the list of tables, the marks of tags and of policies


def test_a_column_that_was_added_is_seen_and_nothing_else_read(session: Counted, owner: Callable[[str], Any]) -> None:
    first = reread(session)
    owner(f"ALTER TABLE {T} ADD COLUMN c DATE")
    after = reread(session, first)
    assert columns_of(after) == ["A", "B", "C"]
    [asked] = session.took("INFORMATION_SCHEMA.COLUMNS")
    assert asked.count("table_name = ?") == 1
    customers = TableName("CRM", "PUBLIC", "CUSTOMERS")
    assert after.catalog.tables[customers] is first.catalog.tables[customers]


def test_a_table_or_view_made_replaced_or_dropped_is_seen(session: Counted, owner: Callable[[str], Any]) -> None:
    view = TableName("CRM", "PUBLIC", "INCREMENTAL_V")
    first = reread(session)
    owner(f"CREATE VIEW {view} AS SELECT a FROM {T}")
    made = reread(session, first)
    assert made.catalog.tables[view].kind is TableKind.VIEW
    owner(f"CREATE OR REPLACE VIEW {view} AS SELECT b FROM {T}")
    replaced = reread(session, made)
    assert columns_of(replaced, view) == ["B"]
    assert "SELECT b" in (replaced.catalog.tables[view].definition or "")
    owner(f"DROP VIEW {view}")
    owner(f"CREATE OR REPLACE TABLE {T} (Z NUMBER)")
    dropped = reread(session, replaced)
    assert view not in dropped.catalog.tables
    assert columns_of(dropped) == ["Z"]


def test_tags_and_policies_are_read_again_when_one_of_them_changed(
    session: Counted, owner: Callable[[str], Any]
) -> None:
    first = reread(session)
    owner(f"ALTER TABLE {T} MODIFY COLUMN b SET TAG gov.tags.pii = 'email'")
    tagged = reread(session, first)
    assert session.took("SELECT TAG_DATABASE")
    assert not session.took("INFORMATION_SCHEMA.COLUMNS")
    a, b = tagged.catalog.tables[T].columns
    assert (a.tags, b.tags) == ((), ("GOV.TAGS.PII", "GOV.TAGS.PII=email", "PII", "PII=email"))
    owner(f"ALTER TABLE {T} MODIFY COLUMN b SET TAG gov.tags.pii = 'phone'")
    changed = reread(session, tagged)
    assert "PII=phone" in changed.catalog.tables[T].columns[1].tags
    owner(f"ALTER TABLE {T} SET TAG gov.tags.pii = 'all'")
    inherited = reread(session, changed)
    assert "PII=all" in inherited.catalog.tables[T].columns[0].tags
    owner(f"ALTER TABLE {T} MODIFY COLUMN a SET MASKING POLICY gov.masks.nobody")
    masked = reread(session, inherited)
    assert masked.catalog.tables[T].columns[0].native_policies == ("GOV.MASKS.NOBODY",)


def test_a_column_added_to_a_tagged_table_has_its_tags(session: Counted, owner: Callable[[str], Any]) -> None:
    owner(f"ALTER TABLE {T} SET TAG gov.tags.pii = 'all'")
    first = reread(session)
    owner(f"ALTER TABLE {T} ADD COLUMN c DATE")
    after = reread(session, first)
    assert "PII=all" in after.catalog.tables[T].columns[2].tags


def test_a_table_that_comes_back_is_known_by_the_tags_that_it_has_now(
    session: Counted, owner: Callable[[str], Any]
) -> None:
    owner(f"ALTER TABLE {T} MODIFY COLUMN b SET TAG gov.tags.pii = 'email'")
    owner(f"ALTER TABLE {T} SET TAG gov.tags.owner = 'x'")
    first = reread(session)
    owner(f"DROP TABLE {T}")
    gone = reread(session, first)
    assert T not in gone.catalog.tables
    owner(f"UNDROP TABLE {T}")
    back = reread(session, gone)
    [asked] = session.took("TAG_REFERENCES_ALL_COLUMNS")
    assert "INCREMENTAL" in asked
    assert back.catalog.tables[T] == first.catalog.tables[T]
    assert back.catalog.tables[T].are_tags_known
    owner(f"ALTER TABLE {T} UNSET TAG gov.tags.owner")


def test_what_changed_a_moment_ago_is_read_once_more(
    session: Counted, owner: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_loader, "SETTLED_S", 3_600)
    first = reread(session)
    again = reread(session, first)
    assert session.took("INFORMATION_SCHEMA.COLUMNS")
    assert again.catalog is first.catalog


def test_many_changes_are_read_at_once(
    session: Counted, owner: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reread(session)
    monkeypatch.setattr(catalog_loader, "CHANGED_MAX", 0)
    owner(f"ALTER TABLE {T} ADD COLUMN c DATE")
    assert columns_of(reread(session, first)) == ["A", "B", "C"]
    [asked] = session.took("INFORMATION_SCHEMA.COLUMNS")
    assert "?" not in asked


_tables = st.dictionaries(st.sampled_from("ABCDE"), st.lists(st.sampled_from("xyz"), max_size=3, unique=True))


@settings(deadline=None)
@given(_tables, _tables)
def test_an_updated_catalog_is_the_catalog(before: dict[str, list[str]], after: dict[str, list[str]]) -> None:
    def tables(of: dict[str, list[str]]) -> list[Table]:
        return [Table(TableName("D", "S", t), tuple(Column(c, "NUMBER") for c in names)) for t, names in of.items()]

    old = Catalog.of(tables(before))
    assert old.digest
    new = old.updated(tables(after))
    assert (new is old) == (before == after)
    fresh = Catalog.of(tables(after))
    assert (new, new.digest) == (fresh, fresh.digest)
    assert all(new.tables[n] is t for n, t in old.tables.items() if before.get(n.name) == after.get(n.name))
