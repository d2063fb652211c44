"""What the gate has out in Snowflake: sessions, and what was made there to open them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `gate.lease`."""
    op.create_table(
        "lease",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("replica", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("broker", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text()),
        sa.Column("session_id", sa.Text()),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('live', 'orphan')", name="lease_state_known"),
        schema="gate",
        comment="Snowflake sessions that are open, and the tokens and users made for them. No secret is in it.",
    )
