"""Compares what can be seen of a Snowflake account with what the SQL of `snowgate snowflake setup` makes of it.

Pure: rows of SHOW statements in, findings out, each with the statement that mends it. What an account has beyond that
SQL matters as much as what it lacks: a role that may do more than it needs is a finding. Source: Snowflake, "SHOW
GRANTS", "SHOW WAREHOUSES", "Access control privileges".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from server.bootstrap import ADMINISTRATION
from server.findings import Finding, well
from server.spelling import quoted

Use: TypeAlias = Literal["reads", "writes", "catalog"]
"""What a role is for."""

SHOWN_MAX = 3
AUTO_SUSPEND_S_MAX = 600

_ON_TABLES = frozenset({"TABLE", "VIEW", "MATERIALIZED_VIEW", "EXTERNAL_TABLE", "DYNAMIC_TABLE", "ICEBERG_TABLE"})
_CONTAINERS = frozenset({"WAREHOUSE", "DATABASE", "SCHEMA"})
_DATABASE_ROLES = frozenset({"SNOWFLAKE.GOVERNANCE_VIEWER", "SNOWFLAKE.OBJECT_VIEWER"})
"""Those that the catalog's role may have, where the policy classifies by tag."""


@dataclass(frozen=True, slots=True)
class Privilege:
    """One row of SHOW GRANTS TO ROLE."""

    privilege: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Expected:
    """A role, what it is for, and where."""

    role: str
    use: Use
    databases: tuple[str, ...]
    warehouses: tuple[str, ...]


def privileges_of(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Privilege]:
    """The privileges in the answer to SHOW GRANTS; raises ValueError if it is another answer."""
    places = [[name.lower() for name in columns].index(name) for name in ("privilege", "GRANTED_ON".lower(), "name")]
    return [Privilege(*(str(row[place]) for place in places)) for row in rows]


def check_role(expected: Expected, held: Sequence[Privilege]) -> list[Finding]:
    """What a role lacks and what it has too much of; one finding that is well if neither."""
    name = f"role {expected.role}"
    findings = [*_missing(name, expected, held), *_excess(name, expected, held)]
    return findings or [well(name, f"{len(held)} privileges, none missing and none too many")]


def _missing(name: str, expected: Expected, held: Sequence[Privilege]) -> Iterator[Finding]:
    has = {(each.privilege, each.kind, _unquoted(each.name)) for each in held}
    role = quoted(expected.role)

    def lacks(said: str, *remedy: str) -> Finding:
        return Finding(name, "no", said, "privilege_missing", " ".join(remedy))

    for warehouse in expected.warehouses:
        for privilege in ("USAGE", "OPERATE") if expected.use == "catalog" else ("USAGE",):
            if (privilege, "WAREHOUSE", warehouse) not in has:
                remedy = f"GRANT {privilege} ON WAREHOUSE {quoted(warehouse)} TO ROLE {role};"
                yield lacks(f"{privilege} on the warehouse {warehouse} is missing", remedy)
    wanted = "REFERENCES" if expected.use == "catalog" else "SELECT"
    for database in expected.databases:
        where = quoted(database)
        if ("USAGE", "DATABASE", database) not in has:
            yield lacks(f"USAGE on {database} is missing", f"GRANT USAGE ON DATABASE {where} TO ROLE {role};")
        elif not any(each.privilege == wanted and _database(each.name) == database for each in held):
            remedies = (
                f"GRANT {wanted} ON ALL {kind} IN DATABASE {where} TO ROLE {role};" for kind in ("TABLES", "VIEWS")
            )
            yield lacks(f"{wanted} is missing on every table and view of {database}", *remedies)


def _excess(name: str, expected: Expected, held: Sequence[Privilege]) -> Iterator[Finding]:
    by_privilege: dict[tuple[str, str], list[str]] = {}
    for each in held:
        if not _is_needed(expected.use, each):
            by_privilege.setdefault((each.privilege, each.kind), []).append(each.name)
    for (privilege, kind), names in sorted(by_privilege.items()):
        words = kind.replace("_", " ")
        shown = ", ".join(names[:SHOWN_MAX]) + (f" and {len(names) - SHOWN_MAX} more" if len(names) > SHOWN_MAX else "")
        code = "role_inherited" if kind.endswith("ROLE") else "privilege_excess"
        of_account = kind == "ACCOUNT"
        verb = f"REVOKE {privilege} ON {words}" + ("" if of_account else f" {names[0]}")
        if code == "role_inherited":
            verb = f"REVOKE {words} {names[0]}"
        hint = f"{verb} FROM ROLE {quoted(expected.role)};"
        yield Finding(name, "no", f"it has {privilege} on {words.lower()} {shown}, and needs it not", code, hint)


def _is_needed(use: Use, one: Privilege) -> bool:
    match one.privilege, one.kind:
        case "USAGE", kind if kind in _CONTAINERS:
            return True
        case "REFERENCES", kind if kind in _ON_TABLES:
            return True
        case "SELECT", kind if kind in _ON_TABLES:
            return use != "catalog"
        case "INSERT" | "UPDATE" | "DELETE" | "TRUNCATE", "TABLE":
            return use == "writes"
        case "CREATE TABLE" | "CREATE VIEW", "SCHEMA":
            return use == "writes"  # where policy lets people ask for tables of their own
        case "OWNERSHIP", kind if kind in _ON_TABLES:
            return use == "writes"  # of what was made so
        case "OPERATE", "WAREHOUSE":
            return use == "catalog"
        case "USAGE", "DATABASE_ROLE":
            return use == "catalog" and _unquoted(one.name) in _DATABASE_ROLES
        case _:
            return False


def check_warehouse(name: str, found: Mapping[str, str] | None) -> Finding:
    """Whether a warehouse suspends itself and has a limit; `found` are its columns of SHOW WAREHOUSES."""
    title, where = f"warehouse {name}", quoted(name)
    if found is None:
        hint = "Run section 2 of `snowgate snowflake setup`, or GRANT the catalog's role USAGE on it."
        return Finding(title, "no", "it is not there, or the catalog's role may not use it", "warehouse_missing", hint)
    if found.get("resource_monitor", "null").lower() in ("null", "", "none"):
        hint = f"ALTER WAREHOUSE {where} SET RESOURCE_MONITOR = {quoted(ADMINISTRATION)};"
        return Finding(title, "no", "nothing limits what it spends", "warehouse_unmonitored", hint)
    suspends = found.get("auto_suspend", "0")
    if not suspends.isdigit() or not 0 < int(suspends) <= AUTO_SUSPEND_S_MAX:
        hint = f"ALTER WAREHOUSE {where} SET AUTO_SUSPEND = 60;"
        return Finding(title, "no", "it does not suspend itself within ten minutes", "warehouse_never_suspends", hint)
    return well(title, f"suspends after {suspends} s, limited by {found['resource_monitor']}")


def _unquoted(name: str) -> str:
    return name.replace('"', "")


def _database(name: str) -> str:
    return _unquoted(name).split(".", 1)[0]
