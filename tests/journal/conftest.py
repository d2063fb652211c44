"""What the journal's tests share: a key, an engine on a fresh database, and a journal on it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal, open_journal
from audit.note import Signer, new_signer
from audit.sealing import Sealer


@pytest.fixture(scope="session")
def sealer() -> Sealer:
    return Sealer(bytes(range(32)), "test")


@pytest.fixture(scope="session")
def signer() -> Signer:
    return new_signer("test/writer")


@pytest.fixture
async def journal(engine: AsyncEngine, sealer: Sealer, signer: Signer) -> AsyncIterator[Journal]:
    async with open_journal(engine, sealer, signer) as journal:
        yield journal
