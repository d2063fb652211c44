"""The look-alike's door: Snowflake's wire protocol for drivers, as a raw ASGI application.

Every request but the login is asked for a living session token; every statement is recorded before it runs, waits for
its session's turn, can be stopped by name, and is answered with Snowflake's codes. What runs is fakesnow.

Shapes are those that connector 5.2.0 sends and reads: /session/v1/login-request, /session/token-request, /session,
/queries/v1/query-request, /queries/v1/abort-request, /queries/{id}/result, /monitoring/queries/{id}.
"""

import gzip
import re
import secrets
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import anyio
import orjson
from anyio.abc import TaskGroup
from starlette.types import Receive, Scope, Send

from server.sandbox.logins import LoginRequest, Logins
from server.sandbox.replies import SnowflakeError, cancelled, failure, no_privilege, not_found, session_gone, success
from server.sandbox.runner import Delay, Runner
from server.sandbox.running import Statement
from server.sandbox.sessions import Session, Sessions

BODY_BYTES_MAX = 16_000_000
RESULT_POLL_S = 40.0
SERVER_VERSION = "10.0.0"
_TOKEN = re.compile(r'Snowflake Token="([^"]*)"')
_REFUSED_PARAMETERS = frozenset({"FAKESNOW_DB_PATH", "NOP_REGEXES"})


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP request, taken apart. `path` has no doubled slashes: connector 5.2.0 sends some."""

    path: str
    query: dict[str, str]
    token: str
    body: dict[str, Any]


class Front:
    """The ASGI application."""

    def __init__(self, logins: Logins, sessions: Sessions, runner: Runner, control_secret: str) -> None:
        self._logins = logins
        self._sessions = sessions
        self._runner = runner
        self._control_secret = control_secret
        self._background: TaskGroup | None = None
        self._routes: tuple[tuple[re.Pattern[str], Callable[[Message, str], Awaitable[bytes]]], ...] = (
            (re.compile(r"/session/v1/login-request()"), self._login),
            (re.compile(r"/session/token-request()"), self._renew),
            (re.compile(r"/session()"), self._logout),
            (re.compile(r"/session/heartbeat()"), self._heartbeat),
            (re.compile(r"/queries/v1/query-request()"), self._query),
            (re.compile(r"/queries/v1/abort-request()"), self._abort_request),
            (re.compile(r"/queries/([^/]+)/abort-request"), self._abort_query),
            (re.compile(r"/queries/([^/]+)/result"), self._result),
            (re.compile(r"/monitoring/queries/([^/]+)"), self._monitor),
            (re.compile(r"/telemetry/send()"), self._telemetry),
            (re.compile(r"/_sandbox/ready()"), self._ready),
            (re.compile(r"/_sandbox/delay()"), self._delay),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's event: the process's lifespan or one request."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            status, body = await self._answer(scope, receive)
            await _send(send, status, body)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as background:
            self._background = background
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            background.cancel_scope.cancel()
        self._runner.shut()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        raw = await _read(receive)
        path = re.sub(r"/{2,}", "/", scope["path"])
        for pattern, handler in self._routes:
            if found := pattern.fullmatch(path):
                try:
                    return 200, await handler(_message(scope, path, raw), found[1])
                except SnowflakeError as error:
                    return 200, orjson.dumps(failure(error))
                except (ValueError, KeyError, TypeError, AttributeError, zlib.error, OSError, EOFError):
                    return 400, orjson.dumps(failure(SnowflakeError("391902", "22000", "The request is malformed.")))
        return 404, orjson.dumps(failure(not_found(f"Resource '{path}'")))

    async def _login(self, message: Message, _: str) -> bytes:
        data = message.body.get("data")
        login_request = LoginRequest.read(data if isinstance(data, dict) else {}, message.query)
        login = self._logins.verify(login_request)
        parameters = (data or {}).get("SESSION_PARAMETERS") or {}
        kept = {str(name).upper(): str(value) for name, value in parameters.items()}
        database, schema = message.query.get("databaseName", ""), message.query.get("schemaName", "")
        session = self._runner.open(
            login,
            message.query.get("warehouse", ""),
            {name: value for name, value in kept.items() if name not in _REFUSED_PARAMETERS},
            database,
            schema,
        )
        info = {
            "databaseName": database.upper() or None,
            "schemaName": schema.upper() or None,
            "warehouseName": session.warehouse or None,
            "roleName": login.role.name,
        }
        return orjson.dumps(success(self._login_data(session, info)))

    def _login_data(self, session: Session, info: dict[str, str | None]) -> dict[str, Any]:
        autocommit = session.parameters.get("AUTOCOMMIT", "true").lower() != "false"
        return {
            "token": session.token,
            "masterToken": session.master_token,
            "validityInSeconds": int(self._sessions.token_ttl_s),
            "masterValidityInSeconds": int(self._sessions.master_ttl_s),
            "sessionId": session.session_id,
            "displayUserName": session.login.user.name,
            "serverVersion": SERVER_VERSION,
            "parameters": [
                {"name": "AUTOCOMMIT", "value": autocommit},
                {"name": "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", "value": 3600},
                {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 0},
                {"name": "TIMEZONE", "value": "Etc/UTC"},
            ],
            "sessionInfo": info,
        }

    async def _renew(self, message: Message, _: str) -> bytes:
        session = self._sessions.renew(message.token, str(message.body.get("oldSessionToken", "")))
        return orjson.dumps(
            success(
                {
                    "sessionToken": session.token,
                    "validityInSecondsST": int(self._sessions.token_ttl_s),
                    "masterToken": session.master_token,
                    "validityInSecondsMT": int(self._sessions.master_ttl_s),
                    "sessionId": session.session_id,
                }
            )
        )

    async def _logout(self, message: Message, _: str) -> bytes:
        session = self._session(message)
        if message.query.get("delete") == "true":
            await self._runner.close(session)
        return orjson.dumps(success())

    async def _heartbeat(self, message: Message, _: str) -> bytes:
        self._session(message)
        return orjson.dumps(success())

    async def _query(self, message: Message, _: str) -> bytes:
        session, request_id = self._session(message), message.query.get("requestId", "")
        asynchronous = bool(message.body.get("asyncExec"))
        if earlier := self._runner.statements.of_request(session, request_id):
            # The driver asks again when a connection broke: a statement never runs twice for that.
            return orjson.dumps(_in_progress(earlier.query_id)) if asynchronous else await self._outcome(earlier)
        statement = self._runner.begin(session, message.body, request_id)
        if not asynchronous:
            return await self._runner.run(statement, message.body)
        if self._background is None:
            raise session_gone()
        self._background.start_soon(self._runner.run, statement, message.body)
        return orjson.dumps(_in_progress(statement.query_id))

    async def _abort_request(self, message: Message, _: str) -> bytes:
        session = self._session(message)
        statement = self._runner.statements.of_request(session, str(message.body.get("requestId", "")))
        if statement is not None:
            await self._runner.statements.stop(statement, cancelled())
        return orjson.dumps(success())

    async def _abort_query(self, message: Message, query_id: str) -> bytes:
        statement = self._runner.visible(self._session(message), query_id)
        await self._runner.statements.stop(statement, cancelled())
        return orjson.dumps(success())

    async def _result(self, message: Message, query_id: str) -> bytes:
        return await self._outcome(self._runner.visible(self._session(message), query_id))

    async def _outcome(self, statement: Statement) -> bytes:
        with anyio.move_on_after(RESULT_POLL_S):
            await statement.finished.wait()
        if not statement.finished.is_set():
            return orjson.dumps(_in_progress(statement.query_id))
        if statement.answer is None:
            raise not_found(f"Result of statement '{statement.query_id}'")
        return statement.answer

    async def _monitor(self, message: Message, query_id: str) -> bytes:
        session = self._session(message)
        try:
            record = self._runner.visible(session, query_id).record
        except SnowflakeError:
            return orjson.dumps(success({"queries": []}))
        shown = {"id": record.query_id, "status": record.status, "errorCode": record.error_code, "errorMessage": None}
        return orjson.dumps(success({"queries": [shown]}))

    async def _telemetry(self, message: Message, _: str) -> bytes:
        return orjson.dumps(success("Log Received"))

    async def _ready(self, message: Message, _: str) -> bytes:
        return orjson.dumps(success("ready"))

    async def _delay(self, message: Message, _: str) -> bytes:
        """Take `{"secret", "containing", "seconds"}`: the next such statement waits before it runs."""
        if not secrets.compare_digest(str(message.body.get("secret", "")), self._control_secret):
            raise no_privilege("sandbox")
        self._runner.delays.append(Delay(str(message.body["containing"]), float(message.body["seconds"])))
        return orjson.dumps(success())

    def _session(self, message: Message) -> Session:
        if not message.token:
            raise SnowflakeError("390103", "08001", "Session token not found in the request data.")
        return self._sessions.of_token(message.token)


def _in_progress(query_id: str) -> dict[str, Any]:
    waiting = success({"queryId": query_id, "getResultUrl": f"/queries/{query_id}/result", "queryAbortsAfterSecs": 300})
    return {**waiting, "code": "333334", "message": "Query execution in progress."}


def _message(scope: Scope, path: str, raw: bytes) -> Message:
    headers = {name.lower(): value for name, value in scope["headers"]}
    authorization = _TOKEN.fullmatch(headers.get(b"authorization", b"").decode("latin-1"))
    if headers.get(b"content-encoding") == b"gzip" and raw:
        raw = gzip.decompress(raw)
    body = orjson.loads(raw) if raw and path != "/telemetry/send" else {}
    if not isinstance(body, dict):
        raise ValueError("not an object")
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    return Message(path, query, authorization[1] if authorization else "", body)


async def _read(receive: Receive) -> bytes:
    chunks, size, more = [], 0, True
    while more:
        event = await receive()
        chunk = event.get("body", b"")
        size += len(chunk)
        if size <= BODY_BYTES_MAX:
            chunks.append(chunk)
        more = event.get("more_body", False)
    return b"".join(chunks)


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
