"""The tables of holds, as `server.migrations` made them."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(schema="gate")

hold_table = Table(
    "hold",
    metadata,
    Column("id", String, primary_key=True),
    Column("call_id", String, nullable=False),
    Column("tool", String, nullable=False),
    Column("issuer", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("state", String, nullable=False),
    Column("asked", LargeBinary, nullable=False),
    Column("bound", LargeBinary, nullable=False),
    Column("policy", String, nullable=False),
    Column("entry", String, nullable=False),
    Column("groups", ARRAY(Text), nullable=False),
    Column("summary", JSONB, nullable=False),
    Column("body", String, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("escalate_at", DateTime(timezone=True)),
    Column("escalated", Boolean, nullable=False),
    Column("shown_at", DateTime(timezone=True)),
    Column("decided_at", DateTime(timezone=True)),
    Column("claim", String),
    Column("claim_until", DateTime(timezone=True)),
    Column("session_id", BigInteger),
    Column("settled_at", DateTime(timezone=True)),
    Column("outcome", JSONB, nullable=False),
)

vote_table = Table(
    "hold_vote",
    metadata,
    Column("hold_id", String, primary_key=True),
    Column("issuer", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("actor", String, nullable=False),
    Column("groups", ARRAY(Text), nullable=False),
    Column("verdict", String, nullable=False),
    Column("break_glass", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("via", String, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
