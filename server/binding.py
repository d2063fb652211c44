"""What a hold is about: the digest of everything that must still be so when it is run."""

import hashlib
import json

from policy.decision import Permit, RunSql
from policy.names import TableName
from policy.statement import SqlStatement
from server.judging import Judged
from tools.contract import Sql


def objects_of(judged: Judged) -> tuple[TableName, ...]:
    """The tables and views that the statement names, its target first."""
    statement = judged.statement
    if not isinstance(statement, SqlStatement):
        return ()
    target = () if statement.target is None else (statement.target,)
    return (*target, *sorted(statement.reads - set(target)))


def object_digest(judged: Judged, name: TableName) -> str:
    """What the catalog says of an object, as a digest; empty where only Snowflake is asked what it is.

    A change of a whole table makes or removes what the catalog does not know of yet, or still knows of.
    """
    statement = judged.statement
    if isinstance(statement, SqlStatement) and statement.change is not None:
        return ""
    return judged.engine.catalog.digest_of(name)


def asked_digest(judged: Judged, permit: Permit) -> bytes:
    """SHA-256 over who asks, what exactly would run, as which role, by which policy, against which tables.

    Two calls with one digest ask for the same thing, so they meet the same hold.
    """
    action = permit.action if isinstance(permit.action, RunSql) else None
    bound = {
        "v": 2,
        "issuer": judged.principal.issuer,
        "subject": judged.principal.subject,
        "actor": judged.principal.actor,
        "policy": judged.provenance.policy,
        "parser": judged.provenance.parser,
        "objects": {str(name): object_digest(judged, name) for name in objects_of(judged)},
        "sql": action.sql if action else None,
        "role": action.role if action else None,
        "warehouse": action.warehouse if action else None,
        "parameters": judged.wanted.parameters if isinstance(judged.wanted, Sql) else None,
        "reason": judged.wanted.reason if isinstance(judged.wanted, Sql) else None,
    }
    return hashlib.sha256(json.dumps(bound, sort_keys=True, ensure_ascii=True).encode()).digest()
