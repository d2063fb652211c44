"""The append-only journal, the roles that may touch it, and the holds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from audit.schema import metadata
from server.migrations.journal_sql import FUNCTIONS, GUARDS, PRIVILEGES, ROLES

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the schema `journal`, which refuses to be changed, and `gate.hold`."""
    _create_journal()
    _create_hold()
    op.execute(PRIVILEGES)
    op.execute(GUARDS)


def _create_journal() -> None:
    op.execute(ROLES)
    op.execute("create schema if not exists journal")
    metadata.create_all(op.get_bind())
    op.execute("insert into journal.head values (true, 0)")
    op.execute("alter schema journal owner to journal_owner")
    for table in metadata.sorted_tables:
        op.execute(f"alter table journal.{table.name} owner to journal_owner")
    op.execute(FUNCTIONS)
    for name in ("entry", "stream", "run", "checkpoint"):
        op.execute(f"""
            create trigger append_only before update or delete or truncate on journal.{name}
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
