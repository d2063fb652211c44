"""What is secret or sensitive reaches no byte of the disk, in any spelling that a grep would find."""

import base64
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from audit.journal import Journal, open_journal
from audit.note import Signer
from audit.reading import entries, unseal
from audit.sealing import Sealer
from server.database import open_engine
from server.migrating import migrate
from server.sandbox.postgres import EmbeddedPostgres
from tests.support.databases import reachable_directory

SECRET = "canary-jane.doe@example.com"
NUMBER = 8675309_24601
PUBLIC = "canary-that-may-be-seen"


@pytest.fixture
def home() -> Iterator[Path]:
    with reachable_directory() as home:
        yield home


def found_in(directory: Path, needle: bytes) -> list[Path]:
    return [file for file in directory.rglob("*") if file.is_file() and needle in file.read_bytes()]


def test_no_secret_reaches_the_disk(home: Path, sealer: Sealer, signer: Signer) -> None:
    async def write(url: str) -> None:
        await migrate(url)
        async with open_engine(url) as engine, open_journal(engine, sealer, signer) as journal:
            for batch in (1, 20):
                async with anyio.create_task_group() as tasks:
                    for number in range(batch):
                        tasks.start_soon(call, journal, f"call-{batch}-{number}")
            (*_, crashed) = await entries(engine, call_id="call-1-0", sealer=sealer)
            assert SECRET in str(unseal(crashed, sealer)["crash"])

    async def call(journal: Journal, call_id: str) -> None:
        with pytest.raises(RuntimeError):  # noqa: PT012  # a record is left by raising inside it
            async with journal.record(call_id) as record:
                record.note(subject=PUBLIC, literals=[SECRET, NUMBER], parameters=[NUMBER], reason=f"for {SECRET}")
                record.note(arguments_digest=SECRET, driver_message=f"bad value {SECRET}", invented=SECRET)
                await record.commit("decided")
                raise RuntimeError(SECRET)

    with EmbeddedPostgres(home) as postgres:
        anyio.run(write, postgres.dsn())
    assert found_in(home, PUBLIC.encode()), "the search itself finds nothing"
    assert found_in(home / "data" / "pg_wal", PUBLIC.encode())
    for needle in (SECRET.encode(), base64.b64encode(SECRET.encode())[:-4], SECRET.encode().hex().encode()):
        assert found_in(home, needle) == []
    assert found_in(home, str(NUMBER).encode()) == []
