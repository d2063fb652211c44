"""The journal's table, as SQLAlchemy Core; the migrations make it."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)

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
