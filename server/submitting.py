"""The other way to run a statement: submitted, known by its id, and only then waited for (decision 0051).

Snowflake answers a submission with the statement's id at once. Whoever asks for its result by that id is held there
until it has ended, or for some while; then they ask again. Asking runs nothing, so that a connection which breaks is
no reason to run anything twice.

Source: Snowflake, "Using the Python Connector", asynchronous queries: asking for a result also keeps its statement from
being given up after five minutes, and one connection may ask for what another has submitted. In connector 5.2.0 the
result of a statement that still runs has no columns and no rows.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from server.refusals import SnowflakeUnavailable, StatementTimedOut
from server.warehouse import Order

PAUSE_S = 0.01
"""Before a statement is asked for again, and twice as long each time."""

PAUSE_MAX_S = 0.5

OVERDUE_S = 60.0
"""How long past its own limit a statement is asked for. Its call has been given up by then; its thread is let go."""

NOT_SEEN = "NO_DATA"
"""The driver's status of a statement that Snowflake does not show to this user."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submitted:
    """Runs a statement whose id is told before it is waited for; a `server.warehouse.Execute`.

    What cannot be told, or is not wanted any more by then, is stopped in Snowflake, and waited for all the same: what
    comes after it in its transaction must find it ended.
    """

    tell: Callable[[str], None]
    is_wanted: Callable[[], bool]

    def __call__(self, cursor: Any, order: Order) -> None:
        """Raises what `tell` raises, when the statement has ended."""
        submitted = cursor.execute_async(order.sql, order.parameters or None, _statement_params=order.limits)
        query_id = str(submitted["queryId"])
        try:
            self.tell(query_id)
        except BaseException:
            _stop(cursor, query_id)
            with suppress(Exception):
                wait(cursor, query_id, order)
            raise
        if not self.is_wanted():
            _stop(cursor, query_id)
        wait(cursor, query_id, order)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Brings what another session of the same user has submitted; a `server.warehouse.Execute` that runs nothing."""

    query_id: str

    def __call__(self, cursor: Any, order: Order) -> None:
        """Raises SnowflakeUnavailable where Snowflake does not show the statement, so that its end is not known."""
        if cursor.connection.get_query_status(self.query_id).name == NOT_SEEN:
            raise SnowflakeUnavailable("snowflake does not show a statement whose answer was lost")
        wait(cursor, self.query_id, order)


def wait(cursor: Any, query_id: str, order: Order) -> None:
    """Return when the statement has ended and `cursor` has its result; how it failed is raised by the driver.

    Raises:
        StatementTimedOut: it was asked for long after its limit, and still runs.
    """
    until, pause_s = time.monotonic() + order.statement_timeout_s + OVERDUE_S, PAUSE_S
    while cursor.query_result(query_id).description is None:
        if time.monotonic() > until:
            raise StatementTimedOut("the statement ran longer than its limit")
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, PAUSE_MAX_S)


def _stop(cursor: Any, query_id: str) -> None:
    try:
        cursor.abort_query(query_id)
    except Exception as failure:
        log.warning("a submitted statement could not be stopped: %s", type(failure).__name__)
