"""Entries as OCSF events (version 1.8.0, https://schema.ocsf.io/1.8.0), in CloudEvents envelopes (1.0.2).

Statements are Datastore Activity, 6005; everything else is API Activity, 6003. What was encrypted or hashed stays so,
and what proves an event later goes along: its leaf, its digest and its place.
"""

from typing import Any

from audit.canonical import Json
from audit.entry import JournalEntry, digest

VERSION = "1.8.0"
DATASTORE_ACTIVITY, API_ACTIVITY, APPLICATION = 6005, 6003, 6
QUERY, WRITE = 4, 5
CREATE, READ, UPDATE, DELETE, OTHER = 1, 2, 3, 4, 99
STATEMENTS = ("decided", "answered", "refused", "failed", "cancelled", "unknown")
ACTIVITIES = {
    "hold.requested": CREATE, "hold.decided": UPDATE, "revocation.made": CREATE, "revocation.lifted": DELETE,
    "lease.opened": CREATE, "lease.ended": DELETE, "policy.activated": UPDATE, "journal.read": READ,
    "journal.searched": READ, "journal.exported": READ, "retention.drop": DELETE, "subject.erased": DELETE,
}  # fmt: skip
BAD = ("refused", "failed", "cancelled", "unknown")


def ocsf(entry: JournalEntry, leaf: int, product_version: str) -> dict[str, Any]:
    """One entry as an OCSF event; `leaf` is its place in the tree."""
    facts = entry.facts
    is_statement = entry.stage in STATEMENTS
    kind = DATASTORE_ACTIVITY if is_statement else API_ACTIVITY
    verb = str(facts.get("verb") or "")
    asked = QUERY if verb in ("", "read", "describe") else WRITE
    activity = asked if is_statement else ACTIVITIES.get(entry.stage, OTHER)
    # The id of a query whose text is in an earlier entry has no place of its own: no query without its text.
    mapped = MAPPED if is_statement and facts.get("sql") else MAPPED - QUERIES
    is_bad = entry.stage in BAD or facts.get("decision") == "deny"
    event: dict[str, Any] = {
        "category_uid": APPLICATION,
        "class_uid": kind,
        "activity_id": activity,
        "type_uid": kind * 100 + activity,
        "time": int(entry.at.timestamp() * 1000),
        "severity_id": 3 if entry.stage in ("failed", "unknown") else 2 if is_bad else 1,
        "status_id": 2 if is_bad else 1,
        "metadata": {
            "version": VERSION,
            "product": {"name": "snowgate", "vendor_name": "snowgate", "version": product_version},
            "profiles": ["ai_operation"],
            "uid": digest(entry.body()).hex(),
            "correlation_uid": entry.call_id,
            "event_code": entry.stage,
            "sequence": leaf,
        },
        "actor": _actor(facts),
        "src_endpoint": {"name": str(facts.get("transport") or "unknown")},
        "unmapped": {name: value for name, value in facts.items() if name not in mapped},
    }
    if facts.get("code"):
        event["status_code"] = facts["code"]
    if facts.get("duration_ms") is not None:
        event["duration"] = facts["duration_ms"]
    return event | (_datastore(facts) if is_statement else _api(entry))


QUERIES = frozenset(("sql", "query_id"))
MAPPED = QUERIES | {"subject", "groups", "actor", "issuer", "session", "code", "duration_ms", "transport"}


def cloud_event(event: dict[str, Any], entry: JournalEntry, origin: str) -> dict[str, Any]:
    """The event in its envelope; the id is the digest of the entry, so that what comes twice can be told."""
    return {
        "specversion": "1.0",
        "id": event["metadata"]["uid"],
        "source": f"/{origin}",
        "type": f"io.snowgate.journal.{entry.stage}.v1",
        "subject": entry.call_id or entry.place,
        "time": entry.at.isoformat(timespec="microseconds"),
        "datacontenttype": "application/json",
        "dataschema": f"https://schema.ocsf.io/{VERSION}/classes/"
        + ("datastore_activity" if event["class_uid"] == DATASTORE_ACTIVITY else "api_activity"),
        "data": event,
    }


def _actor(facts: dict[str, Json]) -> dict[str, Any]:
    user: dict[str, Any] = {"uid": str(facts.get("subject") or "unknown"), "type_id": 1}
    groups = facts.get("groups")
    if isinstance(groups, list):
        user["groups"] = [{"name": str(name)} for name in groups]
    actor: dict[str, Any] = {"user": user}
    if facts.get("actor"):
        actor["app_name"] = facts["actor"]  # the agent
    if facts.get("session"):
        actor["session"] = {"uid": facts["session"], "issuer": str(facts.get("issuer") or "")}
    return actor


def _datastore(facts: dict[str, Json]) -> dict[str, Any]:
    told: dict[str, Any] = {"type_id": 1, "database": {"name": "Snowflake", "type": "Relational", "type_id": 1}}
    if not facts.get("sql"):
        return told
    named = {"uid": facts["query_id"]} if facts.get("query_id") else {"name": "judged"}
    return told | {"query_info": {"query_string": facts["sql"], **named}}


def _api(entry: JournalEntry) -> dict[str, Any]:
    return {"api": {"operation": entry.stage, "service": {"name": "snowgate"}}}
