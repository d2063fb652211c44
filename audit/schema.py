"""The journal's tables, as SQLAlchemy Core; the migrations make them.

What a writer wrote is in `entry` and `stream`. What the sequencer wove of it is in `head`, `cursor`, `run`, `tile` and
`checkpoint`. `seen`, `turn`, `subject_key` and `legal_hold` are the only tables that are about the living.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    true,
)

metadata = MetaData(schema="journal")

entry_table = Table(
    "entry",
    metadata,
    Column("month", Date(), primary_key=True),
    Column("stream", Uuid(), primary_key=True),
    Column("n", BigInteger(), primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False, index=True),
    Column("stage", Text(), nullable=False),
    Column("call_id", Text(), nullable=False, index=True),
    Column("subject", Text(), nullable=False),
    Column("digest", LargeBinary(), nullable=False),
    # The exact bytes that were hashed are the truth; every other column is a copy that readers compare with them.
    Column("body", LargeBinary(), nullable=False),
    # The writer's, over this entry and so over all before it; on the last entry of each batch.
    Column("signature", LargeBinary()),
    CheckConstraint("n >= 0", name="entry_n_counts"),
    CheckConstraint("octet_length(digest) = 32", name="entry_digest_is_sha256"),
    CheckConstraint("octet_length(body) <= 65535", name="entry_body_fits"),
    CheckConstraint("octet_length(signature) = 64", name="entry_signature_is_ed25519"),
    comment="Append-only. `body` is the canonical JSON of an entry and `digest` its hash.",
    postgresql_partition_by="RANGE (month)",
)

stream_table = Table(
    "stream",
    metadata,
    Column("stream", Uuid(), primary_key=True),
    Column("month", Date(), nullable=False),
    Column("key", Text(), nullable=False),
    comment="Append-only. One process in one month, and the key that it signs with.",
)

seen_table = Table(
    "seen",
    metadata,
    Column("stream", Uuid(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    comment="When the process of a stream was last alive, by the clock of the database.",
)

head_table = Table(
    "head",
    metadata,
    Column("one", Boolean(), primary_key=True),
    Column("size", BigInteger(), nullable=False),
    CheckConstraint("one", name="head_is_one"),
    comment="How many entries are in the tree; its row is what sequencers lock.",
)

cursor_table = Table(
    "cursor",
    metadata,
    Column("stream", Uuid(), primary_key=True),
    Column("next_n", BigInteger(), nullable=False),
    Column("closed", Boolean(), nullable=False),
    comment="How far each stream is in the tree.",
)

run_table = Table(
    "run",
    metadata,
    Column("first", BigInteger(), primary_key=True, autoincrement=False),
    Column("stream", Uuid(), nullable=False),
    Column("n", BigInteger(), nullable=False),
    Column("count", Integer(), nullable=False),
    Index("run_of_stream", "stream", "n", unique=True),
    CheckConstraint("count > 0", name="run_is_not_empty"),
    comment="Append-only. The leaves from `first` on are the entries of `stream` from `n` on, `count` of them.",
)

turn_table = Table(
    "turn",
    metadata,
    Column("name", Text(), primary_key=True),
    Column("free", Boolean(), nullable=False, server_default=true()),
    CheckConstraint("free", name="turn_is_never_changed"),
    comment="Rows that sequencers lock, and nobody changes: whose turn it is.",
)

tile_table = Table(
    "tile",
    metadata,
    Column("level", Integer(), primary_key=True, autoincrement=False),
    Column("index", BigInteger(), primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary(), nullable=False),
    comment="The tree, in tiles of height 8 (C2SP tlog-tiles).",
)

checkpoint_table = Table(
    "checkpoint",
    metadata,
    Column("id", BigInteger(), primary_key=True, autoincrement=False),
    Column("size", BigInteger(), nullable=False, index=True),
    Column("root", LargeBinary(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("note", Text(), nullable=False),
    CheckConstraint("octet_length(root) = 32", name="checkpoint_root_is_sha256"),
    comment="Append-only. Signed heads of the tree (C2SP tlog-checkpoint); one of an old size is a heartbeat.",
)

legal_hold_table = Table(
    "legal_hold",
    metadata,
    Column("month", Date(), primary_key=True),
    Column("reference", Text(), primary_key=True),
    Column("released", Boolean(), nullable=False),
    comment="Months that retention must keep, and for which matter.",
)

subject_key_table = Table(
    "subject_key",
    metadata,
    Column("id", Text(), primary_key=True),
    Column("wrapped", LargeBinary(), nullable=False),
    comment="Keys of encrypted facts, one a person and tenant, wrapped by the journal key. Deleting one erases.",
)

bundle_table = Table(
    "bundle",
    metadata,
    Column("kind", Text(), primary_key=True),
    Column("digest", Text(), primary_key=True),
    Column("body", LargeBinary(), nullable=False),
    comment="Append-only. What decisions rest on, under the digests that entries name; compressed (zlib).",
)
