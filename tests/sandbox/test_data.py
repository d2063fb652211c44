"""The sandbox's data: the same on every machine, believable, and still there after a restart."""

import hashlib
import json
from pathlib import Path

import pytest

from server.sandbox import crm
from server.sandbox.run import Sandbox, running_lookalike
from server.sandbox.state import open_state
from server.sandbox.tables import CRM_TABLES
from tests.support.sandbox import SCALE, connection, rows

FINGERPRINT = "759134cdc6198201"


@pytest.fixture(scope="module")
def generated() -> dict[str, list[crm.Row]]:
    """The CRM's rows."""
    return crm.generate()


def test_the_crm_is_the_same_everywhere(generated: dict[str, list[crm.Row]]) -> None:
    assert hashlib.sha256(json.dumps(generated).encode()).hexdigest()[:16] == FINGERPRINT


def test_each_row_fits_its_table(generated: dict[str, list[crm.Row]]) -> None:
    for table in CRM_TABLES:
        for row in generated[table.name]:
            assert len(row) == len(table.columns)
            assert all(value is not None or column.nullable for value, column in zip(row, table.columns, strict=True))


def test_keys_are_unique_and_point_somewhere(generated: dict[str, list[crm.Row]]) -> None:
    ids = {name: [row[0] for row in found] for name, found in generated.items()}
    assert all(len(found) == len(set(found)) for found in ids.values())
    assert {row[1] for row in generated["ORDERS"]} <= set(ids["CUSTOMERS"])
    assert {row[1] for row in generated["TICKETS"]} <= set(ids["CUSTOMERS"])
    assert {row[8] for row in generated["EMPLOYEES"]} - {None} <= set(ids["EMPLOYEES"])


def test_addresses_are_unique_and_of_nobody(generated: dict[str, list[crm.Row]]) -> None:
    addresses = [str(row[2]) for name in ("CUSTOMERS", "EMPLOYEES") for row in generated[name]]
    reserved = (".example", "@example.com", "@example.org", "@example.net")
    assert len(addresses) == len(set(addresses))
    assert all(address.isascii() and address.endswith(reserved) for address in addresses)


def test_notes_hold_what_a_filter_must_find(generated: dict[str, list[crm.Row]]) -> None:
    notes = " ".join(str(row[6]) for row in generated["TICKETS"])
    assert "4111 1111 1111 1111" in notes
    assert ".example" in notes
    assert "+49" in notes
    assert "{" not in notes


def test_tables_have_the_rows_that_were_promised(sandbox: Sandbox) -> None:
    with connection(sandbox.state, "STELLA", "STEWARD_RO") as session:
        counts = {
            name: rows(session, f"select count(*) from {name}")[0][0]
            for name in ("CRM.PUBLIC.CUSTOMERS", "CRM.PUBLIC.ORDERS", "CRM.HR.EMPLOYEES", "TPCH.PUBLIC.LINEITEM")
        }
    assert list(counts.values()) == [crm.CUSTOMERS, crm.ORDERS, crm.EMPLOYEES, 11_957]


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    state = open_state(tmp_path / "home")
    async with running_lookalike(state, scale=SCALE):
        with connection(state, "STELLA", "STEWARD_RW") as writer:
            rows(writer, "insert into CRM.PUBLIC.ORDERS values (1, 1001, '2026-01-01', 'OPEN', 9.99, 'EUR')")
    async with running_lookalike(state, scale=SCALE):
        with connection(state) as reader:
            assert rows(reader, "select count(*) from CRM.PUBLIC.ORDERS") == [(crm.ORDERS + 1,)]
            [(comment,)] = rows(reader, "select COMMENT from CRM.INFORMATION_SCHEMA.TABLES where TABLE_NAME = 'ORDERS'")
            assert comment
