"""The client's half of MCP's tasks extension, on the official client: what a host that knows tasks does with them."""

from typing import Any, Literal

from mcp import Client, MCPError
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.types import CallToolResult, Request, RequestParams, Result

EXTENSION = "io.modelcontextprotocol/tasks"


class TaskParams(RequestParams):
    """Names a task, and carries what an update carries."""

    task_id: str
    input_responses: dict[str, Any] | None = None


class TaskRequest(Request[TaskParams, str]):
    """A request about a task; its id is the header that intermediaries route by."""

    name_param = "taskId"


class Created(Result):
    """What a call is answered that has become a task."""

    result_type: Literal["task"]
    task_id: str
    status: str
    status_message: str
    created_at: str
    last_updated_at: str
    ttl_ms: int
    poll_interval_ms: int


class Told(Result):
    """What is said of a task, or an acknowledgement, which is empty."""

    result_type: str
    task_id: str | None = None
    status: str | None = None
    status_message: str | None = None
    last_updated_at: str | None = None
    ttl_ms: int | None = None
    result: CallToolResult | None = None


class KnowsTasks(ClientExtension):
    """Declares the extension, and remembers the tasks that calls became; nobody drives them to their end."""

    identifier = EXTENSION

    def __init__(self) -> None:
        self.made: list[Created] = []

    def claims(self) -> list[ResultClaim[Any]]:
        """The one shape that the extension adds to `tools/call`."""
        return [ResultClaim(result_type="task", model=Created, resolve=self._left_alone)]

    async def _left_alone(self, task: Created, context: ClaimContext) -> CallToolResult:
        self.made.append(task)
        return CallToolResult(content=[], is_error=True)


async def asked(client: Client, method: str, task_id: str, **more: Any) -> Told:
    """What `tasks/get`, `tasks/update` or `tasks/cancel` is answered."""
    params = TaskParams(task_id=task_id, **more)
    return await client.session.send_request(TaskRequest(method=method, params=params), Told)


async def refused(client: Client, method: str, task_id: str, **more: Any) -> MCPError:
    """The error with which it is refused."""
    try:
        told = await asked(client, method, task_id, **more)
    except MCPError as error:
        return error
    raise AssertionError(told)
