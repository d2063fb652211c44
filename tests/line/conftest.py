"""A house with a real journal and a real engine; only Snowflake and the caller's user are played."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal, open_journal
from audit.note import new_signer
from audit.sealing import Sealer
from tests.line.played import PlayedHouse


@pytest.fixture
async def journal(engine: AsyncEngine) -> AsyncGenerator[Journal]:
    async with open_journal(engine, Sealer(b"k" * 32, "test"), new_signer("test/writer")) as opened:
        yield opened


@pytest.fixture
def played(journal: Journal, engine: AsyncEngine) -> PlayedHouse:
    return PlayedHouse(journal, engine)
