"""Runs the look-alike's statements: one at a time per session, within a time limit, stoppable, always answered."""

import traceback
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, assert_never

import anyio
import orjson

from server.sandbox import keys, object_privileges, querylog, warehouses
from server.sandbox.account import Account
from server.sandbox.fakesnow_app import Engine
from server.sandbox.logins import Login
from server.sandbox.names import stored
from server.sandbox.querylog import QueryLog
from server.sandbox.replies import (
    Column,
    SnowflakeError,
    cancelled,
    failure,
    no_privilege,
    not_found,
    session_gone,
    status,
    table,
    timed_out,
)
from server.sandbox.running import Statement, Statements
from server.sandbox.sessions import Session, Sessions
from server.sandbox.statements import (
    AbortSession,
    AdminStatement,
    BringBack,
    CancelQuery,
    CancelSession,
    History,
    Nothing,
    ScanResult,
    SetParameters,
    ShowKeys,
    ShowPrivileges,
    ShowWarehouse,
    UseRole,
    UseWarehouse,
    Wait,
    recognise,
)
from server.sandbox.tagging import TOLD, AskedTags, Tagging
from server.sandbox.users import Users

TIMEOUT_PARAMETER = "STATEMENT_TIMEOUT_IN_SECONDS"
STATEMENT_TIMEOUT_S = 172_800.0


@dataclass(frozen=True, slots=True)
class Delay:
    """Make the next statement whose text contains `containing` wait before it runs: a slow query without the work."""

    containing: str
    seconds: float


class Runner:
    """Opens sessions and runs what is sent in them."""

    def __init__(self, account: Account, sessions: Sessions, engine: Engine, log: QueryLog) -> None:
        self._account = account
        self._sessions = sessions
        self._engine = engine
        self._log = log
        self.statements = Statements(log, engine.interrupt)
        self.delays: list[Delay] = []
        self._users = Users(account, self._end_sessions)

    def open(self, login: Login, warehouse: str, parameters: dict[str, str], database: str, schema: str) -> Session:
        """Open a session for a proven login; an unknown warehouse is no error yet, as on Snowflake."""
        name = stored(warehouse) if warehouse else ""
        session = self._sessions.open(login, name if name in self._account.warehouses else "", parameters)
        self._engine.open(session, database, schema)
        return session

    async def close(self, session: Session, spare: Statement | None = None) -> None:
        """End a session and what runs in it but `spare`; its tokens are dead before anything else happens."""
        self._sessions.close(session)
        for statement in self.statements.running_in(session):
            if statement is not spare:
                await self.statements.stop(statement, session_gone())
        self._engine.close(session)

    def shut(self) -> None:
        """Let go of the files; nothing can run afterwards."""
        self._engine.shut()
        self._log.close()

    def begin(self, session: Session, body: Mapping[str, Any], request_id: str) -> Statement:
        """Record a statement that has arrived."""
        sql, binds = body.get("sqlText"), body.get("bindings")
        tag = _parameter(session, body, "QUERY_TAG")
        return self.statements.begin(
            session, sql if isinstance(sql, str) else "", len(binds) if binds else 0, tag, request_id
        )

    def visible(self, session: Session, query_id: str) -> Statement:
        """Return a statement that this session's user sent; raises SnowflakeError 002003 for any other."""
        statement = self.statements.of_id(query_id)
        if statement is None or statement.session.login.user.name != session.login.user.name:
            raise not_found(f"Statement '{query_id}'")
        return statement

    async def run(self, statement: Statement, body: Mapping[str, Any]) -> bytes:
        """Run a statement to its end and return the reply, be it a result or an error; it can be fetched later too."""
        error: SnowflakeError | None = None
        reply = b""
        try:
            asked = recognise(statement.record.sql, body.get("bindings"))
            if asked is None:
                reply = await self._execute(statement, body)
            else:
                reply = orjson.dumps(await self._administer(statement, asked))
        except SnowflakeError as raised:
            # Interrupted statements fail in many ways; why they were interrupted is the answer.
            error = statement.cause or raised
        except Exception:
            traceback.print_exc()
            error = SnowflakeError("000603", "XX000", "SQL execution internal error: Processing aborted.")
        if error is not None:
            reply = orjson.dumps(failure(error, statement.query_id))
        self.statements.keep(statement, reply)
        self.statements.end(statement, error)
        return reply

    async def _execute(self, statement: Statement, body: Mapping[str, Any]) -> bytes:
        limit_s = float(_parameter(statement.session, body, TIMEOUT_PARAMETER) or 0) or STATEMENT_TIMEOUT_S
        outcome: bytes | SnowflakeError | None = None
        async with self._turn(statement), anyio.create_task_group() as guarded:
            guarded.start_soon(self._expire, statement, limit_s)
            try:
                await self._delay(statement)
                outcome = await self._engine.query(statement, orjson.dumps(body))
            except SnowflakeError as error:
                outcome = error
            guarded.cancel_scope.cancel()
        if isinstance(outcome, bytes):
            return outcome
        raise outcome or cancelled()

    @asynccontextmanager
    async def _turn(self, statement: Statement) -> AsyncGenerator[None]:
        """Wait for the session's turn, or for somebody to stop the statement before it came."""
        turn, is_ours = statement.session.turn, False
        async with anyio.create_task_group() as waiting:

            async def give_up() -> None:
                await statement.stopping.wait()
                waiting.cancel_scope.cancel()

            waiting.start_soon(give_up)
            await turn.acquire()
            is_ours = True
            waiting.cancel_scope.cancel()
        try:
            if statement.cause is not None:
                raise statement.cause
            if self._sessions.of_id(statement.session.session_id) is None:
                raise session_gone()
            yield
        finally:
            if is_ours:
                turn.release()

    async def _expire(self, statement: Statement, limit_s: float) -> None:
        await anyio.sleep(limit_s)
        await self.statements.stop(statement, timed_out(limit_s))

    async def _delay(self, statement: Statement) -> None:
        for delay in self.delays:
            if delay.containing in statement.record.sql:
                self.delays.remove(delay)
                await _pause(statement, delay.seconds)
                return

    async def _administer(self, statement: Statement, asked: AdminStatement) -> dict[str, Any]:
        match asked:
            case AbortSession(session_id):
                return await self._abort_session(statement, session_id)
            case CancelSession(session_id):
                return await self._cancel_session(statement, session_id)
            case CancelQuery(target_id):
                return await self._cancel_query(statement, target_id)
            case Wait(seconds):
                await _pause(statement, seconds)
                return table(statement.query_id, [Column("SYSTEM$WAIT")], [[f"waited {seconds:g} seconds"]])
            case ScanResult(query_id):
                return self._scan(statement, query_id)
            case ShowPrivileges(name):
                role = next((each for each in self._account.roles if each.name == name), None)
                return object_privileges.show(role, statement.session.login.role, statement.query_id)
            case ShowWarehouse(name):
                return warehouses.show(self._account.warehouses & {name}, statement.query_id)
            case UseRole(name):
                return self._change_role(statement, name)
            case (
                UseWarehouse()
                | SetParameters()
                | History()
                | ShowKeys()
                | BringBack()
                | Tagging()
                | AskedTags()
                | Nothing()
            ):
                return self._answer(statement.session, statement.query_id, asked)
            case _:
                return await self._users.run(asked, statement.session.login.role, statement.query_id)

    def _answer(
        self,
        session: Session,
        query_id: str,
        asked: UseWarehouse | SetParameters | History | ShowKeys | BringBack | Tagging | AskedTags | Nothing,
    ) -> dict[str, Any]:
        match asked:
            case UseWarehouse(name):
                if name not in self._account.warehouses:
                    raise SnowflakeError("002043", "02000", "Object does not exist, or operation cannot be performed.")
                session.warehouse = name
                return status(query_id)
            case SetParameters(values):
                session.parameters.update(values)
                return status(query_id)
            case History(columns, target_id, rows_max):
                user = None if session.login.role.operates_warehouse else session.login.user
                kept = self.statements.history(user, target_id, rows_max)
                return querylog.show(kept, columns, query_id)
            case BringBack(what, moment):
                self._engine.bring_back(session, what, moment)
                return status(query_id)
            case ShowKeys():
                return keys.show(asked, session.login.role.databases, query_id)
            case AskedTags():
                return table(query_id, [Column(name) for name in TOLD], self._engine.tags_of(session, asked))
            case Tagging():
                self._engine.record(session, asked)
                return status(query_id)
            case Nothing():
                return status(query_id)
            case _:
                assert_never(asked)

    def _scan(self, statement: Statement, query_id: str | None) -> dict[str, Any]:
        """An earlier result. On Snowflake it is its user's, whichever session and role it came from, for a day."""
        earlier = self.statements.before(statement) if query_id is None else self.visible(statement.session, query_id)
        if earlier is None or earlier.answer is None:
            raise not_found(f"Result of statement '{query_id}'")
        reply: dict[str, Any] = orjson.loads(earlier.answer)
        if reply["success"]:
            reply["data"]["queryId"] = statement.query_id
        return reply

    def _change_role(self, statement: Statement, name: str | None) -> dict[str, Any]:
        """Where the credential named its role, the session keeps it; secondary roles are off for all users."""
        login = statement.session.login
        if not login.may_change_role or name not in self._account.users[login.user.name].roles:
            raise no_privilege(f"role '{name or 'secondary'}'")
        statement.session.login = replace(login, role=self._account.role(name))
        return status(statement.query_id)

    async def _end_sessions(self, user_name: str, with_sessions: bool) -> None:
        for session in self._sessions:
            if session.login.user.name == user_name and with_sessions:
                await self.close(session)
            elif session.login.user.name == user_name:
                for statement in self.statements.running_in(session):
                    await self.statements.stop(statement, cancelled())

    async def _abort_session(self, statement: Statement, session_id: int) -> dict[str, Any]:
        target = self._stoppable(statement, session_id)
        if target is None:
            text = f"session [{session_id}] does not exist."
        else:
            await self.close(target, spare=statement)
            text = f"session [{session_id}] terminated."
        return table(statement.query_id, [Column("SYSTEM$ABORT_SESSION")], [[text]])

    async def _cancel_session(self, statement: Statement, session_id: int) -> dict[str, Any]:
        target = self._stoppable(statement, session_id)
        running = [] if target is None else self.statements.running_in(target)
        for each in running:
            if each is not statement:
                await self.statements.stop(each, cancelled())
        text = f"{len(running)} queries terminated." if running else "No queries running."
        return table(statement.query_id, [Column("SYSTEM$CANCEL_ALL_QUERIES")], [[text]])

    async def _cancel_query(self, statement: Statement, query_id: str) -> dict[str, Any]:
        target = self.statements.of_id(query_id)
        text = "Identified SQL statement is not currently executing."
        if target is not None and not target.finished.is_set():
            self._check_may_stop(statement.session, target.session)
            await self.statements.stop(target, cancelled())
            text = f"query [{query_id}] terminated."
        return table(statement.query_id, [Column("SYSTEM$CANCEL_QUERY")], [[text]])

    def _stoppable(self, statement: Statement, session_id: int) -> Session | None:
        target = self._sessions.of_id(session_id)
        if target is not None:
            self._check_may_stop(statement.session, target)
        return target

    def _check_may_stop(self, session: Session, target: Session) -> None:
        # One's own, or anybody's with OPERATE on the warehouse that they run on.
        if session.login.user.name != target.login.user.name and not session.login.role.operates_warehouse:
            raise no_privilege(f"session '{target.session_id}'")


async def _pause(statement: Statement, seconds: float) -> None:
    with anyio.move_on_after(seconds):
        await statement.stopping.wait()
    if statement.cause is not None:
        raise statement.cause


def _parameter(session: Session, body: Mapping[str, Any], name: str) -> str:
    """Return a parameter of the statement, else of its session, else nothing."""
    of_statement = body.get("parameters") or {}
    return str(of_statement.get(name, session.parameters.get(name, "")))
