"""Looks at the Snowflake account through the gate's own sessions, and has what it sees compared with the setup.

Each role is asked after in a session of its own: it sees its own privileges, whatever else it may see. Roles of people
need a person to log in as; without one they stay unseen.
"""

from collections.abc import Sequence

from policy.rulebook import Policy
from server.account_check import Expected, Use, check_role, check_warehouse, privileges_of
from server.findings import Finding, well
from server.pool import Kind, SessionPool
from server.raw import RawRows
from server.refusals import Refusal, SnowflakeUnavailable, StatementFailed
from server.spelling import literal, quoted
from server.warehouse import LoginRefused, Order

LOOK_TIMEOUT_S = 20
ROWS_MAX = 100_000
TAG = '{"snowgate":"doctor"}'
DOCTOR = "doctor"
"""Stands for an issuer in the kind of a session that is opened to look."""


async def look_at_account(
    policy: Policy, databases: Sequence[str], own: Kind, pool: SessionPool, person: str | None
) -> list[Finding]:
    """Every finding about roles and warehouses."""
    entries = {entry.id: entry for entry in policy.roles}.values()
    warehouses = tuple(sorted({own.warehouse, *(entry.warehouse for entry in entries)}))
    findings = await _catalog(pool, own, Expected(own.role, "catalog", tuple(databases), (own.warehouse,)), warehouses)
    asked: dict[tuple[str, Use], set[str]] = {}
    for entry in entries:
        asked.setdefault((entry.read_role, "reads"), set()).add(entry.warehouse)
        if entry.write_role is not None:
            asked.setdefault((entry.write_role, "writes"), set()).add(entry.warehouse)
    for (role, use), used in asked.items():
        findings += await _role(pool, person, Expected(role, use, tuple(databases), tuple(sorted(used))))
    return [*findings, await _administrators_role(pool, own)]


async def _catalog(pool: SessionPool, own: Kind, expected: Expected, warehouses: Sequence[str]) -> list[Finding]:
    pooled = await pool.borrow(own)

    async def ask(sql: str) -> RawRows:
        return await pool.in_thread(lambda: pooled.session.run(Order(sql, (), ROWS_MAX, LOOK_TIMEOUT_S, TAG)))

    try:
        findings = _compared(expected, await ask(f"SHOW GRANTS TO ROLE {quoted(expected.role)}"))
        for name in warehouses:
            seen = await ask(f"SHOW WAREHOUSES LIKE {literal(name)}")
            names = [each.name.lower() for each in seen.columns]
            rows = [dict(zip(names, map(str, row), strict=True)) for row in seen.rows]
            findings.append(check_warehouse(name, next((row for row in rows if row.get("name") == name), None)))
        return findings
    finally:
        pool.give_back(pooled)


async def _role(pool: SessionPool, person: str | None, expected: Expected) -> list[Finding]:
    title = f"role {expected.role}"
    if person is None:
        hint = "Name a person who has it: `snowgate doctor --as LOGIN_NAME`."
        return [_unseen(title, "a role shows its privileges to those who have it", hint)]
    try:
        async with pool.aside(Kind(DOCTOR, person, expected.role, expected.warehouses[0], "")) as session:
            order = Order(f"SHOW GRANTS TO ROLE {quoted(expected.role)}", (), ROWS_MAX, LOOK_TIMEOUT_S, TAG)
            return _compared(expected, await pool.in_thread(lambda: session.run(order)))
    except LoginRefused as refused:
        hint = f"GRANT ROLE {quoted(expected.role)} TO USER {quoted(person.upper())};  -- if {person} is to have it"
        number = refused.facts.get("driver_errno")
        return [Finding(title, "unseen", f"no session for {person} (Snowflake says {number})", "role_not_opened", hint)]


def _compared(expected: Expected, seen: RawRows) -> list[Finding]:
    try:
        return check_role(expected, privileges_of([each.name for each in seen.columns], seen.rows))
    except ValueError:
        return [_unseen(f"role {expected.role}", "SHOW GRANTS answered in no known shape", "Tell us of it.")]


async def _administrators_role(pool: SessionPool, own: Kind) -> Finding:
    """Whether a credential of the gate's opens an administrator's role, which none may."""
    title, kind = "administrators' roles", Kind("", own.subject, "ACCOUNTADMIN", own.warehouse, "")
    try:
        async with pool.aside(kind):
            hint = "Set EXTERNAL_OAUTH_ALLOWED_ROLES_LIST to the roles of the setup, and REVOKE ROLE ACCOUNTADMIN."
            return Finding(title, "no", "the gate's credentials open ACCOUNTADMIN", "administrators_role_opens", hint)
    except (LoginRefused, StatementFailed):
        return well(title, "ACCOUNTADMIN was refused to the gate's credentials")
    except (SnowflakeUnavailable, Refusal) as refusal:
        return _unseen(title, f"it could not be tried: {refusal.message}", "Try again.")


def _unseen(name: str, said: str, hint: str) -> Finding:
    return Finding(name, "unseen", said, "not_seen", hint)
