"""Step 4 of the line: a hold becomes a permit when a person has confirmed exactly what will run, once.

For now the person is the caller's own user, asked through their client. That is a confirmation: consent of the client
software, not proof of a person.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import NewType

from policy.decision import Hold, Permit, RunSql
from server.holds import HoldStore
from server.judging import Judged
from server.line import Approval, Call
from server.refusals import Declined, HoldSpent
from server.visible import visible
from tools.contract import Sql

Digest = NewType("Digest", bytes)


@dataclass(frozen=True, slots=True)
class Approvals:
    """Asks the caller's own user, and lets each answer be used once."""

    holds: HoldStore

    async def __call__(self, call: Call, judged: Judged, hold: Hold) -> Approval:
        """The approval of `hold`.

        Raises:
            Held: the user cannot be asked now, or must be asked before the call is made again.
            Declined: the user said no.
            HoldSpent: the hold was used, or expired, before the answer came.
        """
        who = judged.principal
        digest = digest_of(judged, hold.then)
        effect = describe(judged, hold.then)
        opened = await self.holds.open(digest, subject=who.subject, actor=who.actor, tool=call.tool.name, effect=effect)
        if not await call.confirm(opened.id, opened.question):
            await self.holds.decline(opened.id, digest, by=who.subject)
            raise Declined("the user did not confirm the statement", hold_id=opened.id)
        if not await self.holds.consume(opened.id, digest, by=who.subject):
            raise HoldSpent("the confirmation came too late or was used before", hold_id=opened.id)
        return Approval(hold.then, opened.id)


def digest_of(judged: Judged, permit: Permit) -> Digest:
    """SHA-256 over everything that the person's answer is about: who, what exactly, as which role, by which policy."""
    action = permit.action
    bound = {
        "v": 1,
        "issuer": judged.principal.issuer,
        "subject": judged.principal.subject,
        "actor": judged.principal.actor,
        "provenance": asdict(judged.provenance),
        "sql": action.sql if isinstance(action, RunSql) else None,
        "role": action.role if isinstance(action, RunSql) else None,
        "warehouse": action.warehouse if isinstance(action, RunSql) else None,
        "parameters": judged.wanted.parameters if isinstance(judged.wanted, Sql) else None,
        "reason": judged.wanted.reason if isinstance(judged.wanted, Sql) else None,
    }
    return Digest(hashlib.sha256(json.dumps(bound, sort_keys=True, ensure_ascii=True).encode()).digest())


def describe(judged: Judged, permit: Permit) -> str:
    """What the person is shown: the statement that will run, its values, as whom and why.

    Nothing that the agent wrote can begin a line of its own or hide; only the statement has several lines.
    """
    action, wanted = permit.action, judged.wanted
    actor, subject = visible(judged.principal.actor), visible(judged.principal.subject)
    if not isinstance(action, RunSql) or not isinstance(wanted, Sql):
        return f"{actor} asks to look at the schema."
    lines = [
        f"{actor} asks to run this {action.verb.value} in Snowflake as {action.role}, for {subject}:",
        "",
        visible(action.sql, keep="\n\t"),
    ]
    if wanted.parameters:
        lines += ["", "Values: " + visible(json.dumps(list(wanted.parameters), ensure_ascii=False))]
    return "\n".join([*lines, "", f"Its reason: {visible(wanted.reason)}"])
