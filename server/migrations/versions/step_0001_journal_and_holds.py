"""The append-only journal and the holds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `journal.entry`, which refuses to be changed, and `gate.hold`."""
    op.execute("create schema if not exists journal")
    _create_entry()
    _refuse_changes("journal.entry")
    _create_hold()


def _create_entry() -> None:
    op.create_table(
        "entry",
        sa.Column("stream", sa.Uuid(), primary_key=True),
        sa.Column("n", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False, index=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("n >= 0", name="entry_n_counts"),
        sa.CheckConstraint("octet_length(digest) = 32", name="entry_digest_is_sha256"),
        sa.CheckConstraint("octet_length(body) <= 65535", name="entry_body_fits"),
        schema="journal",
        comment="Append-only. `body` is the canonical JSON of an entry and `digest` its hash.",
    )


def _refuse_changes(table: str) -> None:
    """Statement-level triggers, so that a statement that matches no row is refused as well."""
    op.execute("""
        create function journal.refuse_change() returns trigger language plpgsql as $$
        begin
            raise exception 'the journal is append-only: % on %.%', tg_op, tg_table_schema, tg_table_name
                using errcode = 'insufficient_privilege';
        end $$
    """)
    op.execute(f"""
        create trigger append_only before update or delete or truncate on {table}
        for each statement execute function journal.refuse_change()
    """)


def _create_hold() -> None:
    op.create_table(
        "hold",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("question", JSONB(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.Text()),
        sa.CheckConstraint("state in ('open', 'approved', 'declined', 'consumed', 'expired')", name="hold_state_known"),
        sa.CheckConstraint("octet_length(digest) = 32", name="hold_digest_is_sha256"),
        schema="gate",
        comment="Statements that wait for a person.",
    )
    op.create_index(
        "hold_open_digest", "hold", ["digest"], schema="gate", unique=True, postgresql_where=sa.text("state = 'open'")
    )
