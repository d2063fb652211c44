"""Before anything is timed: the answers are right, and the light client reads what the official one reads."""

from typing import Any

from tests.bench.cases import CASES
from tests.bench.client import OfficialCaller
from tests.bench.stage import Server, Stage
from tests.bench.target import WrongAnswer

COMPARED = ("point", "typical", "rows1k")
DIFFERENT_EACH_TIME = ("call_id", "query_id")


async def check_agreement(stage: Stage) -> None:
    """Compare clients, and the floor's rows with snowgate's.

    Raises:
        WrongAnswer: two of them differ.
    """
    for name in COMPARED:
        rows = [await _agreed(server, name) for server in (stage.floor, stage.snowgate)]
        if rows[0] != rows[1]:
            raise WrongAnswer(f"{name}: the floor and snowgate give different rows")


async def _agreed(server: Server, case: str) -> list[Any]:
    """The rows of one answer, read alike by both clients."""
    query = CASES[case].make()
    light = await server.target.content(query)
    official = OfficialCaller(server.target.url, server.target.token, server.target.extra)
    try:
        _, other = await official.call(query)
    finally:
        await official.close()
    if _lasting(light) != _lasting(other):
        raise WrongAnswer(f"{case}: the clients read different answers of {server.target.name}")
    rows: list[Any] = light["rows"]
    return rows


def _lasting(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in DIFFERENT_EACH_TIME}
