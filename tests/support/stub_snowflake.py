"""A Snowflake that answers what a test tells it to, over the real wire protocol, in the server's own Arrow encodings.

For what the look-alike cannot produce: every data type, chosen error numbers, lost sessions, statements that hang.
"""

import base64
import gzip
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
import uvicorn
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.brokers.minted import ExternalOAuth
from server.brokers.signing import KeySigner
from server.warehouse import Account
from tests.support.submissions import Submissions

Answer = Callable[[dict[str, Any]], dict[str, Any]]

GATE_KEY = RSAKey.generate_key(2048)
BROKER = ExternalOAuth("https://gate", "https://snow", (KeySigner(GATE_KEY),))
"""It takes every credential; this one makes the gate's usual ones."""


@dataclass
class StubSnowflake:
    """What was asked, and how to answer it.

    `answers` maps a statement to a function of the request's body; `otherwise` answers the rest. What waits for `hang`
    goes on when the statement or its session is ended by a SYSTEM$ function, but not by the one in `deaf_to`.
    """

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    otherwise: Answer = field(default=lambda _: numbers(1))
    logins: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    """By which Snowflake knows a statement that is sent again; in the order of `requests`."""
    login_answer: dict[str, Any] | None = None
    hang: threading.Event = field(default_factory=threading.Event)
    login_gate: threading.Event = field(default_factory=threading.Event)
    submissions: Submissions = field(init=False)
    deaf_to: str = "nothing"
    ended: int = 0

    def __post_init__(self) -> None:
        self.submissions = Submissions(self.hang)

    @property
    def account(self) -> Account:
        """Where it is."""
        return Account("acct", "127.0.0.1", self.port, "http")

    @property
    def statements(self) -> list[str]:
        return [request["sqlText"] for request in self.requests]


def rowset(table: pa.Table, rowtype: list[dict[str, Any]], total: int | None = None) -> dict[str, Any]:
    """A successful reply that carries `table` as Arrow."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data = {
        "parameters": [{"name": "TIMEZONE", "value": "America/Los_Angeles"}],
        "rowtype": rowtype,
        "total": table.num_rows if total is None else total,
        "returned": table.num_rows,
        "queryId": str(uuid.uuid4()),
        "statementTypeId": 4096,
        "queryResultFormat": "arrow",
        "rowsetBase64": base64.b64encode(sink.getvalue().to_pybytes()).decode(),
    }
    return {"success": True, "code": None, "message": None, "data": data}


def failure(errno: int, text: str, sqlstate: str = "22000") -> dict[str, Any]:
    """A refusal in Snowflake's shape."""
    code = f"{errno:06}"
    data = {"errorCode": code, "sqlState": sqlstate, "queryId": str(uuid.uuid4())}
    return {"success": False, "code": code, "message": text, "data": data}


def column(name: str, kind: str, arrow_type: pa.DataType, **facts: Any) -> tuple[pa.Field, dict[str, Any]]:
    """A column as the server describes it twice: in the Arrow schema and in the reply's `rowtype`."""
    scale = facts.get("scale")
    metadata = {"logicalType": kind.upper(), "scale": str(scale or 0), "precision": str(facts.get("precision") or 38)}
    rowtype = {
        "name": name, "type": kind.lower(), "nullable": True, "scale": scale, "precision": facts.get("precision"),
        "length": facts.get("length"), "byteLength": facts.get("length"), "database": "", "schema": "", "table": "",
        "collation": None,
    }  # fmt: skip
    return pa.field(name, arrow_type, metadata=metadata), rowtype


def numbers(count: int) -> dict[str, Any]:
    """`count` rows of one integer column N."""
    arrow_field, rowtype = column("N", "fixed", pa.int64(), precision=38, scale=0)
    return rowset(pa.table([pa.array(range(count), pa.int64())], schema=pa.schema([arrow_field])), [rowtype])


def texts(rows: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """Rows of text columns, as many as the first row has."""
    columns = [column(name, "text", pa.string(), length=100) for name in "ABCD"[: len(rows[0]) if rows else 4]]
    arrays = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(columns))]
    table = pa.table(arrays, schema=pa.schema([each for each, _ in columns]))
    return rowset(table, [rowtype for _, rowtype in columns])


LOST: dict[str, Any] = {"code": None}
"""No answer in Snowflake's shape: to the driver, the same as a connection that breaks."""


BROKEN: dict[str, Any] = {"http_status": 503}
"""A front of Snowflake's that has nobody behind it."""


def affected(count: int) -> dict[str, Any]:
    """A DML's reply: one JSON row with the number of rows inserted."""
    rowtype = column("number of rows inserted", "fixed", pa.int64(), precision=19, scale=0)[1]
    data = {
        "rowtype": [rowtype], "rowset": [[str(count)]], "total": 1, "returned": 1, "queryResultFormat": "json",
        "statementTypeId": 12544, "queryId": "q", "parameters": [],
    }  # fmt: skip
    return {"success": True, "code": None, "message": None, "data": data}


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubSnowflake]:
    """A stub for one test."""
    monkeypatch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    with stub_snowflake() as running:
        yield running


@contextmanager
def stub_snowflake() -> Iterator[StubSnowflake]:
    """A stub on a free port of 127.0.0.1, in a thread."""
    stub = StubSnowflake()
    stub.login_gate.set()

    async def login(request: Request) -> Response:
        stub.logins.append({"query": dict(request.query_params), **(await _body(request))["data"]})
        number = len(stub.logins)
        await run_in_threadpool(stub.login_gate.wait, 20)
        if stub.login_answer is not None:
            return JSONResponse(stub.login_answer)
        data = {
            "token": str(uuid.uuid4()), "masterToken": str(uuid.uuid4()), "validityInSeconds": 3600,
            "masterValidityInSeconds": 14400, "sessionId": 1000 + number, "parameters": [],
            "sessionInfo": {"databaseName": None, "schemaName": None, "warehouseName": "W", "roleName": "R"},
        }  # fmt: skip
        return JSONResponse({"success": True, "code": None, "message": None, "data": data})

    async def query(request: Request) -> Response:
        body = await _body(request)
        stub.requests.append(body)
        stub.request_ids.append(request.query_params["requestId"])
        if body["sqlText"].startswith("SELECT SYSTEM$") and stub.deaf_to not in body["sqlText"]:
            stub.hang.set()
        answer = stub.answers.get(body["sqlText"], stub.otherwise)
        said = await run_in_threadpool(stub.submissions.take, answer, body)
        return JSONResponse(said, said.get("http_status", 200))

    async def rest(request: Request) -> Response:
        stub.ended += request.url.path == "/session" and request.query_params.get("delete") == "true"
        return JSONResponse({"success": True, "data": None, "code": None, "message": None})

    app = Starlette(
        routes=[
            Route("/session/v1/login-request", login, methods=["POST"]),
            Route("/queries/v1/query-request", query, methods=["POST"]),
            *stub.submissions.routes,
            Route("/{path:path}", rest, methods=["GET", "POST"]),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off"))
    started = threading.Event()
    original = server.startup

    async def startup(sockets: Any = None) -> None:
        await original(sockets)
        stub.port = server.servers[0].sockets[0].getsockname()[1]
        started.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield stub
    finally:
        stub.hang.set()
        stub.login_gate.set()
        server.should_exit = True
        thread.join(10)


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        raw = gzip.decompress(raw)
    body: dict[str, Any] = json.loads(raw)
    return body
