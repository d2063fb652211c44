"""Who may not call any more, until it is lifted."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `gate.revocation`. Rows are lifted and never removed."""
    op.create_table(
        "revocation",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("issuer", sa.Text()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("lifted_why", sa.Text()),
        sa.Column("lifted_by", sa.Text()),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind in ('principal', 'session', 'all')", name="revocation_kind_known"),
        sa.CheckConstraint("(kind = 'all') = (name is null)", name="revocation_names_whom"),
        schema="gate",
        comment="Callers who are turned away, and whose running statements are stopped.",
    )
    op.create_index(
        "revocation_in_force", "revocation", ["id"], schema="gate", postgresql_where=sa.text("lifted_at is null")
    )
