"""A stand-in for Snowflake that costs almost nothing, so that what stands before it is seen by itself.

It speaks the driver's protocol, takes every login, answers from memory, sleeps as long as it is told to (the shape of a
real account), and counts. It is the token issuer of the run too: `/issuer` publishes the keys it was given.

Runs as a process of its own: `python -m tests.bench.backend --port N --keys FILE [--query-ms N] [--login-ms N]
[--tables N]`.
"""

import argparse
import gzip
import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anyio
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.bench.answers import reply_to

SESSION_PARAMETERS = [{"name": "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", "value": 3_600}]
"""What older drivers do not start without."""

_SUCCESS = {"success": True, "code": None, "message": None}


@dataclass
class Counts:
    """What has been asked so far."""

    logins: int = 0
    queries: int = 0


@dataclass(frozen=True, slots=True)
class Backend:
    """The stand-in's endpoints. `query_ms` and `login_ms` are slept before each answer; `tables` are beside TPC-H's."""

    port: int
    keys: dict[str, Any]
    query_ms: float
    login_ms: float
    tables: int
    counts: Counts

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/queries/v1/query-request", self._query, methods=["POST"]),
                Route("/session/v1/login-request", self._login, methods=["POST"]),
                Route("/_stats", self._stats),
                Route("/issuer/.well-known/openid-configuration", self._metadata),
                Route("/issuer/jwks.json", self._keys),
                Route("/{path:path}", self._other, methods=["GET", "POST"]),
            ]
        )

    async def _login(self, request: Request) -> Response:
        await request.body()
        self.counts.logins += 1
        await _pause(self.login_ms)
        session = {"databaseName": None, "schemaName": None, "warehouseName": "BENCH_WH", "roleName": "BENCH_RO"}
        data = {
            "token": str(uuid.uuid4()), "masterToken": str(uuid.uuid4()), "validityInSeconds": 3_600,
            "masterValidityInSeconds": 14_400, "sessionId": 1_000 + self.counts.logins, "sessionInfo": session,
            "parameters": SESSION_PARAMETERS,
        }  # fmt: skip
        return JSONResponse({**_SUCCESS, "data": data})

    async def _query(self, request: Request) -> Response:
        raw = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            raw = gzip.decompress(raw)
        self.counts.queries += 1
        await _pause(self.query_ms)
        return Response(reply_to(orjson.loads(raw)["sqlText"], self.tables), media_type="application/json")

    async def _stats(self, _: Request) -> Response:
        return JSONResponse(asdict(self.counts))

    async def _metadata(self, _: Request) -> Response:
        issuer = f"http://127.0.0.1:{self.port}/issuer"
        return JSONResponse({"issuer": issuer, "jwks_uri": f"{issuer}/jwks.json"})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse(self.keys)

    async def _other(self, request: Request) -> Response:
        await request.body()
        return JSONResponse({**_SUCCESS, "data": None})


async def _pause(milliseconds: float) -> None:
    if milliseconds:
        await anyio.sleep(milliseconds / 1_000)


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--query-ms", type=float, default=0)
    parser.add_argument("--login-ms", type=float, default=0)
    parser.add_argument("--tables", type=int, default=0, help="how many the catalog has beside TPC-H's")
    given = parser.parse_args()
    keys = json.loads(given.keys.read_text(encoding="utf-8"))
    backend = Backend(given.port, keys, given.query_ms, given.login_ms, given.tables, Counts())
    uvicorn.run(backend.app(), host="127.0.0.1", port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
