"""What callers have used of their limits, and the statements that they run."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `gate.quota`, a counter a window, and `gate.slot`, a place a statement."""
    op.create_table(
        "quota",
        sa.Column("limit_id", sa.Text(), primary_key=True),
        sa.Column("holder", sa.Text(), primary_key=True),
        sa.Column("measure", sa.Text(), primary_key=True),
        sa.Column("window_start", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name="quota_used_counts"),
        schema="gate",
        comment="How much of a limit replicas have drawn in a window, seconds since 1970 from its start.",
    )
    op.create_index("quota_window", "quota", ["window_start"], schema="gate")
    op.create_table(
        "slot",
        sa.Column("limit_id", sa.Text(), primary_key=True),
        sa.Column("holder", sa.Text(), primary_key=True),
        sa.Column("n", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("replica", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        schema="gate",
        comment="Who has which of a limit's places for concurrent statements; a dead replica's expire.",
    )
    op.create_index("slot_replica", "slot", ["replica"], schema="gate")
