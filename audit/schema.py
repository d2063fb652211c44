"""The gate's tables, as SQLAlchemy Core: the journal, and the holds that wait for a person."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

entry_table = Table(
    "entry",
    metadata,
    Column("stream", Uuid(), primary_key=True),
    Column("n", BigInteger(), primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False, index=True),
    Column("stage", Text(), nullable=False),
    Column("call_id", Text(), nullable=False, index=True),
    Column("digest", LargeBinary(), nullable=False),
    # The exact bytes that were hashed are the truth; every other column is a copy that readers compare with them.
    Column("body", LargeBinary(), nullable=False),
    CheckConstraint("n >= 0", name="entry_n_counts"),
    CheckConstraint("octet_length(digest) = 32", name="entry_digest_is_sha256"),
    CheckConstraint("octet_length(body) <= 65535", name="entry_body_fits"),
    schema="journal",
    comment="Append-only. `body` is the canonical JSON of an entry and `digest` its hash.",
)

hold_table = Table(
    "hold",
    metadata,
    Column("id", Text(), primary_key=True),
    # SHA-256 over everything that the approver is shown, so that an approval fits nothing else.
    Column("digest", LargeBinary(), nullable=False),
    Column("subject", Text(), nullable=False),
    Column("actor", Text()),
    Column("tool", Text(), nullable=False),
    Column("state", Text(), nullable=False),
    Column("question", JSONB(), nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", Text()),
    CheckConstraint("state in ('open', 'approved', 'declined', 'consumed', 'expired')", name="hold_state_known"),
    CheckConstraint("octet_length(digest) = 32", name="hold_digest_is_sha256"),
    schema="gate",
    comment="Statements that wait for a person.",
)

# Asking again for the same effect finds the open hold instead of opening another.
Index("hold_open_digest", hold_table.c.digest, unique=True, postgresql_where=hold_table.c.state == "open")
