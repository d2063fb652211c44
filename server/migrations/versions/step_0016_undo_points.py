"""The way back from changes that policy permits without asking anybody."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `gate.undo_point`."""
    op.create_table(
        "undo_point",
        sa.Column("call_id", sa.Text(), primary_key=True),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("undo", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="gate",
        comment="How changes are taken back that were permitted without a hold: a table and a statement, no values.",
    )
    op.create_index("undo_point_made", "undo_point", ["made_at"], schema="gate")
