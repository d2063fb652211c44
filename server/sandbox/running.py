"""The statements that the look-alike runs or has run: found by id, stopped by interrupting, remembered for a while."""

import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import anyio

from server.sandbox.account import User
from server.sandbox.querylog import QueryLog, QueryRecord
from server.sandbox.replies import SnowflakeError
from server.sandbox.sessions import Session

REMEMBERED_MAX = 1_000
ANSWER_BYTES_MAX = 64_000_000
INTERRUPT_EVERY_S = 0.02


@dataclass(slots=True, eq=False)
class Statement:
    """One statement under way or ended. `cause` is set when somebody stopped it, before it is interrupted."""

    record: QueryRecord
    session: Session
    request_id: str
    cause: SnowflakeError | None = None
    stopping: anyio.Event = field(default_factory=anyio.Event)
    finished: anyio.Event = field(default_factory=anyio.Event)
    answer: bytes | None = None

    @property
    def query_id(self) -> str:
        """Snowflake's id of the statement, known before it runs."""
        return self.record.query_id


class Statements:
    """All statements since the start, the oldest forgotten beyond `REMEMBERED_MAX`."""

    def __init__(self, log: QueryLog, interrupt: Callable[[int], None], clock: Callable[[], float] = time.time) -> None:
        self._log = log
        self._interrupt = interrupt
        self._clock = clock
        self._all: dict[str, Statement] = {}
        self._by_request: dict[tuple[int, str], Statement] = {}
        self._answers: deque[Statement] = deque()
        self._answer_bytes = 0

    def begin(self, session: Session, sql: str, binds: int, tag: str, request_id: str) -> Statement:
        """Record a statement that has arrived, and give it its id."""
        record = QueryRecord(
            query_id=str(uuid.uuid4()),
            user=session.login.user.name,
            role=session.login.role.name,
            warehouse=session.warehouse,
            session_id=session.session_id,
            sql=sql,
            binds=binds,
            tag=tag,
            started_at=self._clock(),
        )
        statement = Statement(record, session, request_id)
        self._all[statement.query_id] = statement
        self._by_request[session.session_id, request_id] = statement
        self._log.write(record)
        self._forget()
        return statement

    def end(self, statement: Statement, error: SnowflakeError | None) -> None:
        """Record how the statement ended."""
        statement.record = replace(
            statement.record,
            status="SUCCESS" if error is None else "FAILED_WITH_ERROR",
            ended_at=self._clock(),
            error_code=error.code if error else None,
        )
        self._log.write(statement.record)
        statement.finished.set()

    def keep(self, statement: Statement, answer: bytes) -> None:
        """Keep the answer until too much came after it: it is fetched later, or asked for again."""
        statement.answer = answer
        self._answers.append(statement)
        self._answer_bytes += len(answer)
        while self._answer_bytes > ANSWER_BYTES_MAX and len(self._answers) > 1:
            oldest = self._answers.popleft()
            self._answer_bytes -= len(oldest.answer or b"")
            oldest.answer = None

    def of_id(self, query_id: str) -> Statement | None:
        """Return the statement with this id if it is remembered."""
        return self._all.get(query_id)

    def running_in(self, session: Session) -> list[Statement]:
        """Return what runs or waits in a session."""
        return [each for each in self._all.values() if each.session is session and not each.finished.is_set()]

    def history(self, user: User | None, session_id: int | None, rows_max: int) -> list[QueryRecord]:
        """Return what a user (None: everybody) has run in a session (None: in all), newest first, as remembered."""
        theirs = [
            each.record
            for each in self._all.values()
            if session_id in (None, each.session.session_id)
            and (user is None or each.session.login.user.name == user.name)
        ]
        return theirs[::-1][:rows_max]

    def before(self, statement: Statement) -> Statement | None:
        """Return what its session ran before this statement."""
        earlier = [each for each in self._all.values() if each.session is statement.session and each is not statement]
        return earlier[-1] if earlier else None

    def of_request(self, session: Session, request_id: str) -> Statement | None:
        """Return the statement that a session sent with this request id, running or ended."""
        return self._by_request.get((session.session_id, request_id)) if request_id else None

    async def stop(self, statement: Statement, cause: SnowflakeError) -> None:
        """Interrupt a statement and return when it has ended; `cause` is what its sender is answered."""
        if statement.finished.is_set():
            return
        statement.cause = statement.cause or cause
        statement.stopping.set()
        # Again and again, as an interrupt that arrives while the statement is still being parsed leaves no trace.
        while not statement.finished.is_set():
            self._interrupt(statement.session.session_id)
            with anyio.move_on_after(INTERRUPT_EVERY_S):
                await statement.finished.wait()

    def _forget(self) -> None:
        if len(self._all) <= REMEMBERED_MAX:
            return
        oldest = next((each for each in self._all.values() if each.finished.is_set()), None)
        if oldest is not None:
            del self._all[oldest.query_id]
            self._by_request.pop((oldest.session.session_id, oldest.request_id), None)
