"""Kills a replica at a step of an approved change of a whole table, lets another finish, and takes the change back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.faults.kills import STEPS, Kills
from tests.support.clients import answer, refusal
from tests.wire.test_approvals import decide
from tests.wire.test_table_changes import done, held, in_snowflake, made

Seen: TypeAlias = tuple[tuple[str, ...], int] | None
"""The columns and the rows of a table; None: there is no such table."""


@dataclass(frozen=True)
class Change:
    """A change of a table: the agent's text, what of it arrives in Snowflake, and how the way back begins."""

    asked: str
    arriving: str
    undo: str
    is_counted: bool = True


CHANGES: Mapping[str, Change] = {
    "DROP": Change("DROP TABLE {}", "DROP TABLE {}", "UNDROP TABLE"),
    "TRUNCATE": Change("TRUNCATE TABLE {}", "TRUNCATE TABLE {}", "CREATE OR REPLACE TABLE"),
    "DROP COLUMN": Change("ALTER TABLE {} DROP COLUMN email", "ALTER TABLE {}", "CREATE OR REPLACE TABLE"),
    "ADD COLUMN": Change(
        "ALTER TABLE {} ADD COLUMN full_name VARCHAR", "ALTER TABLE {}", "ALTER TABLE", is_counted=False
    ),
    "CREATE": Change(
        "CREATE TABLE {} (email VARCHAR(100), phone TEXT)", "CREATE TABLE {}", "DROP TABLE", is_counted=False
    ),
}

TABLE_STEPS = {
    "before it begins": "information_schema.columns",
    "at the last count": '"{table}"',
    "as its undo is prepared": "SYSDATE()",
    "at the change": "{arriving}",
    "after the change": "",
}
"""The statement at whose arrival in Snowflake the gate is killed; none: it was made and nobody heard of it."""

CASES = [
    (name, step)
    for name, change in CHANGES.items()
    for step in TABLE_STEPS
    if change.is_counted or step != "at the last count"
]
ROWS: list[tuple[str | None, str]] = [(None, step) for step in STEPS]
WRONG = ("double effects", "approved and lost", "no way back", "not taken back")


@dataclass
class TableKills(Kills):
    """Kills at changes of tables, too, and sees that each can be taken back although its gate died."""

    async def once_table(self, name: str, step: str, table: str) -> None:
        """One change of a table of its own, killed at `step`, followed to its end elsewhere, and undone."""
        change, full = CHANGES[name], f"crm.public.{table.lower()}"
        try:
            if name != "CREATE":
                await made(self.gate, table)
            before = self.seen(table)
            said = await held(self.gate, change.asked.format(full))
            assert (await decide(self.gate, "sofia", said["hold_id"]))["state"] == "approved"
            assert self.seen(table) == before, "an approval ran something"
            arriving = change.arriving.format(f'"CRM"."PUBLIC"."{table}"')
            awaited = TABLE_STEPS[step].format(table=table, arriving=arriving)
            await self.kill(said["hold_id"], awaited or arriving, is_done=not awaited)
            ended = await self.ended(said["hold_id"])
            times = sum(each.status == "SUCCESS" for each in self.queries(arriving))
            self.count(times if self.seen(table) != before else 0, ended)
            await self._taken_back(change, ended, said["call_id"], before, table)
        finally:
            in_snowflake(self.gate, f"DROP TABLE IF EXISTS {full}")

    async def _taken_back(self, change: Change, ended: Mapping[str, Any], call_id: str, was: Seen, table: str) -> None:
        undo = ended.get("undo") or ended.get("outcome", {}).get("undo")
        self.counts["no way back"] += not (isinstance(undo, str) and undo.startswith(change.undo))
        async with self.gate.client("stella") as client:
            asked = await client.call_tool("request_undo", {"call_id": call_id, "reason": "the gate had died"})
        said = refusal(asked) if asked.is_error else answer(asked)
        if said.get("code") == "held":
            await done(self.gate, said)
        else:
            self.counts[f"undo answered {said.get('code')}"] += 1
        self.counts["not taken back"] += self.seen(table) != was

    def seen(self, table: str) -> Seen:
        """What somebody sees in Snowflake, beside the gate."""
        columns = in_snowflake(
            self.gate,
            f"SELECT column_name FROM crm.information_schema.columns WHERE table_name = '{table}' ORDER BY 1",
        )
        if not columns:
            return None
        [(count,)] = in_snowflake(self.gate, f"SELECT COUNT(*) FROM crm.public.{table}")
        return tuple(str(name) for (name,) in columns), int(count)
