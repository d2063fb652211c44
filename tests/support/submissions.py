"""What was submitted to the stub: it runs by itself, and is asked for, looked at and stopped by its id."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

HELD_S = 0.2
"""How long a request for a result is held while its statement runs."""


@dataclass
class Submission:
    """A statement that was submitted, and what came of it when `ended` is set."""

    query_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    ended: threading.Event = field(default_factory=threading.Event)
    said: dict[str, Any] = field(default_factory=dict)

    def run(self, answer: Callable[[dict[str, Any]], dict[str, Any]], body: dict[str, Any]) -> None:
        said = answer(body)
        self.said = {**said, "data": {**said["data"], "queryId": self.query_id}} if said.get("data") else said
        self.ended.set()

    @property
    def status(self) -> str:
        if not self.ended.is_set():
            return "RUNNING"
        return "SUCCESS" if self.said.get("success") else "FAILED_WITH_ERROR"

    @property
    def in_progress(self) -> dict[str, Any]:
        where = {"queryId": self.query_id, "getResultUrl": f"/queries/{self.query_id}/result"}
        return _envelope(where, "333334")


@dataclass
class Submissions:
    """Everything that was submitted, by id; an abort sets `hang` unless `is_deaf`.

    The next `lose` requests for a result get no answer in Snowflake's shape, and the next submission gets `refuse` if
    it is set; with `hides`, nobody is shown anything.
    """

    hang: threading.Event
    all: dict[str, Submission] = field(default_factory=dict)
    aborted: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    was_asked: threading.Condition = field(default_factory=threading.Condition)
    lose: int = 0
    refuse: dict[str, Any] | None = None
    hides: bool = False
    is_deaf: bool = False

    def take(self, answer: Callable[[dict[str, Any]], dict[str, Any]], body: dict[str, Any]) -> dict[str, Any]:
        """What the sender of a statement is told: what came of it or, of what it submits, the id."""
        if not body.get("asyncExec"):
            return answer(body)
        if self.refuse is not None:
            refused, self.refuse = self.refuse, None
            return {**refused, "data": {**refused["data"], "queryId": None}}
        submission = Submission()
        self.all[submission.query_id] = submission
        threading.Thread(target=submission.run, args=(answer, body), daemon=True).start()
        return submission.in_progress

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/queries/{query_id}/result", self._result, methods=["GET"]),
            Route("/queries/{query_id}/abort-request", self._abort, methods=["POST"]),
            Route("/monitoring/queries//{query_id}", self._status, methods=["GET"]),
        ]

    async def _result(self, request: Request) -> Response:
        submission = self.all[request.path_params["query_id"]]
        with self.was_asked:
            self.asked.append(request.headers["authorization"])
            self.was_asked.notify_all()
        if self.lose:
            self.lose -= 1
            return JSONResponse({"code": None})
        has_ended = await run_in_threadpool(submission.ended.wait, HELD_S)
        return JSONResponse(submission.said if has_ended else submission.in_progress)

    async def _abort(self, request: Request) -> Response:
        self.aborted.append(request.path_params["query_id"])
        if not self.is_deaf:
            self.hang.set()
        return JSONResponse(_envelope(None))

    async def _status(self, request: Request) -> Response:
        submission = self.all[request.path_params["query_id"]]
        shown = [] if self.hides else [{"id": submission.query_id, "status": submission.status}]
        return JSONResponse(_envelope({"queries": shown}))


def _envelope(data: Any, code: str | None = None) -> dict[str, Any]:
    return {"success": True, "code": code, "message": None, "data": data}
