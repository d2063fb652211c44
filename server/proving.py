"""Keeps the journal provable while the gate runs: its tree grows, its heads are signed, and they leave the database."""

import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import anyio
import httpx2
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.anchors import Files, Lines, RemoteWitness, head_line
from audit.journal import Journal, JournalUnavailable
from audit.note import BadKey, PublicKey, Signer
from audit.reconciling import Lookup, be_seen, reconcile
from audit.sequencer import Say, Sequencer
from server.config import Settings, SettingsError

HEADS_S = 1.0
SEEN_S = 10.0

log = logging.getLogger(__name__)


@dataclass
class Prover:
    """What is done for the journal beside the calls. `sequencer` is there if this process has the key of the log."""

    engine: AsyncEngine
    journal: Journal
    lines: Lines | None
    sequencer: Sequencer | None
    lookup: Lookup | None = None
    """What Snowflake knows of a call, once there is somebody to ask."""

    async def print_heads(self) -> None:
        """Print the newest entry whenever it is another one: nobody can cut off unseen what was printed."""
        printed = None
        while self.lines:
            head = self.journal.head
            if head is not None and head != printed:
                self.lines.write(head_line(head))
                printed = head
            await anyio.sleep(HEADS_S)

    async def tend(self) -> None:
        """Be seen alive, and close what the dead have left."""
        while True:
            try:
                await be_seen(self.engine, self.journal)
                if self.sequencer:
                    await reconcile(self.engine, self.journal, self.lookup)
            except (SQLAlchemyError, JournalUnavailable, OSError) as error:
                log.warning("the journal could not be tended (%s)", type(error).__name__)
            await anyio.sleep(SEEN_S)


@asynccontextmanager
async def proving(
    settings: Settings, engine: AsyncEngine, journal: Journal, log_key: Signer | None, *, prints: bool
) -> AsyncGenerator[Prover]:
    """Keep the journal provable while inside. `prints` says whether standard output is for the lines of heads.

    Raises:
        SettingsError: a witness is not `KEY URL`.
    """
    async with AsyncExitStack() as stack:
        lines = Lines(sys.stdout if prints else sys.stderr) if settings.journal_prints_heads else None
        sequencer = None
        if log_key is not None:
            http = await stack.enter_async_context(httpx2.AsyncClient(follow_redirects=False))
            witnesses = [_witness(told, http) for told in settings.journal_witnesses]
            files = [Files(settings.journal_anchor_directory)] if settings.journal_anchor_directory else []
            say: list[Say] = [*([lines] if lines else []), *files]
            sequencer = Sequencer(
                engine, settings.journal_origin, log_key, witnesses, say, apart_s=settings.clock_apart_s
            )
        prover = Prover(engine, journal, lines, sequencer)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(prover.print_heads)
                tasks.start_soon(prover.tend)
                if sequencer:
                    tasks.start_soon(sequencer.run)
                yield prover
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            # What the gate raised while it served is expected bare.
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from None
            raise


def _witness(told: str, http: httpx2.AsyncClient) -> RemoteWitness:
    key, _, url = told.partition(" ")
    try:
        return RemoteWitness(url, PublicKey.parse(key), http)
    except BadKey as error:
        raise SettingsError(f"SNOWGATE_JOURNAL_WITNESSES: {error}", error.hint) from None
