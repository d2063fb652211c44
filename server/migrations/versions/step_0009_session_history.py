"""What the sessions of callers have done, where rules ask for it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `gate.session_history`."""
    op.create_table(
        "session_history",
        sa.Column("issuer", sa.Text(), primary_key=True),
        sa.Column("session", sa.Text(), primary_key=True),
        sa.Column("statements", sa.BigInteger(), nullable=False),
        sa.Column("refusals", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("tables", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("classifications", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="gate",
        comment="What a sign-in has been answered and refused; `version` counts what was added.",
    )
    op.create_index("session_history_seen", "session_history", ["seen_at"], schema="gate")
