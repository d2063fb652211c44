"""Tells people about holds by webhook: signed, Slack-compatible, retried with backoff, and never carrying data.

A message is put by in PostgreSQL together with what it tells of, and sent by whichever replica comes first; nobody
waits for it. It names the tables, the kind of statement, the count of rows, the risk and who has to decide, and links
to the console. Statements, values, rows and reasons stay at home. The signature is an HMAC-SHA-256 over the time and
the exact bytes, as Slack signs.
Sources: https://api.slack.com/reference/block-kit/blocks,
https://api.slack.com/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import orjson
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Integer, String, Table, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policy.approving import ApprovalEntry, wanted
from server.hold_record import HoldRecord
from server.hold_tables import metadata
from server.showing import time_text
from server.visible import visible

SIGNATURE = "Snowgate-Signature"
"""`t=<seconds since 1970>,v1=<hex HMAC-SHA-256 of "<t>.<body>">`."""

ATTEMPTS_MAX = 12
BACKOFF_S = 5.0
BACKOFF_S_MAX = 3_600.0
SENDING_S = 60.0
"""How long one replica has for an attempt before another one may try."""

SENT_AT_ONCE = 20
TIMEOUT_S = 10.0

log = logging.getLogger(__name__)

outbox_table = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("hold_id", String, nullable=False),
    Column("event", String, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("given_up", Boolean, nullable=False),
)
_t = outbox_table

_HEADLINES = {
    "requested": "A request waits for approval",
    "voted": "A request has one more decision",
    "approved": "A request is approved",
    "denied": "A request is denied",
    "withdrawn": "A request was withdrawn",
    "expired": "A request has expired",
    "escalated": "A request is escalated: nobody has decided in time",
    "break_glass": "BREAK GLASS: an emergency approval was given",
}


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where messages go, with which key they are signed, and where the console is, if there is one."""

    url: str
    key: bytes
    console_url: str | None = None


@dataclass(frozen=True, slots=True)
class Outbox:
    """The messages of all replicas. Without a webhook it takes none."""

    engine: AsyncEngine
    webhook: Webhook | None
    http: httpx2.AsyncClient
    clock: Callable[[], float] = time.time

    async def __call__(self, connection: AsyncConnection, event: str, hold: HoldRecord, entry: ApprovalEntry) -> None:
        """Put a message by, in the transaction of what it tells of: it is there exactly when that has come about."""
        if self.webhook is None:
            return
        payload = message(event, hold, entry, self.webhook.console_url)
        fresh = insert(_t).values(
            hold_id=hold.id, event=event, payload=payload, attempts=0, next_at=func.now(), given_up=False
        )
        await connection.execute(fresh)

    async def send_due(self) -> int:
        """Send what is due, and say how many arrived."""
        webhook = self.webhook
        if webhook is None:
            return 0
        due = select(_t.c.id).where(_t.c.sent_at.is_(None), ~_t.c.given_up, _t.c.next_at <= func.now())
        taken = due.order_by(_t.c.next_at).limit(SENT_AT_ONCE).with_for_update(skip_locked=True)
        mine = update(_t).where(_t.c.id.in_(taken.scalar_subquery()))
        until = func.now() + timedelta(seconds=SENDING_S)
        async with self.engine.begin() as connection:
            rows = (
                await connection.execute(mine.values(next_at=until, attempts=_t.c.attempts + 1).returning(_t))
            ).all()
        return sum([await self._send(webhook, row) for row in rows])

    async def _send(self, webhook: Webhook, row: Any) -> bool:
        body = orjson.dumps(row.payload)
        headers = {"Content-Type": "application/json", "Snowgate-Delivery": str(row.id)}
        headers[SIGNATURE] = signature(webhook.key, body, int(self.clock()))
        try:
            answer = await self.http.post(webhook.url, content=body, headers=headers, timeout=TIMEOUT_S)
            is_sent = answer.is_success
        except httpx2.HTTPError as error:
            log.warning("a webhook did not arrive: %s", type(error).__name__)
            is_sent = False
        wait_s = min(BACKOFF_S * 2 ** (row.attempts - 1), BACKOFF_S_MAX)
        failed = {"next_at": func.now() + timedelta(seconds=wait_s), "given_up": row.attempts >= ATTEMPTS_MAX}
        told = update(_t).where(_t.c.id == row.id).values(**({"sent_at": func.now()} if is_sent else failed))
        async with self.engine.begin() as connection:
            await connection.execute(told)
        return is_sent


def signature(key: bytes, body: bytes, at: int) -> str:
    """The value of the signature header for `body` sent at `at` (seconds since 1970)."""
    return f"t={at},v1={hmac.new(key, f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def message(event: str, hold: HoldRecord, entry: ApprovalEntry, console_url: str | None) -> dict[str, Any]:
    """What is sent: text and blocks as Slack takes them, and the facts as its `metadata`."""
    summary = hold.summary
    rows = summary.get("rows_measured")
    needs = wanted(entry, is_escalated=hold.is_escalated)
    facts = {
        "hold_id": hold.id,
        "event": event,
        "verb": summary.get("verb"),
        "objects": summary.get("objects"),
        "risk": summary.get("risk"),
        "rows": rows,
        "requester": hold.requester.subject,
        "through": hold.requester.actor,
        "needs": needs,
        "expires_at": time_text(hold.expires_at),
    }
    what = f"{str(summary.get('verb')).upper()} on {', '.join(summary.get('objects') or ['nothing'])}"
    counted = "rows not measured" if rows is None else f"{rows} rows"
    lines = [
        f"*{_HEADLINES.get(event, event)}*",
        f"{_plain(what)}: {summary.get('risk')} risk, {counted}",
        f"asked for by {_plain(hold.requester.subject)} through {_plain(hold.requester.actor)}",
        f"needs {_plain(needs)}, until {facts['expires_at']}",
    ]
    blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}}]
    if console_url is not None:
        button = {"type": "plain_text", "text": "Look at it"}
        url = f"{console_url.rstrip('/')}/holds/{hold.id}"
        blocks.append({"type": "actions", "elements": [{"type": "button", "text": button, "url": url}]})
    metadata = {"event_type": f"snowgate_hold_{event}", "event_payload": facts}
    return {"text": lines[0].strip("*") + ": " + _plain(what), "blocks": blocks, "metadata": metadata}


def _plain(text: str) -> str:
    """`text` with nothing in it that Slack would take for a mention, a link or markup."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("*", "")
