"""Sessions of the web console."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `gate.console_session`."""
    op.create_table(
        "console_session",
        sa.Column("id", sa.LargeBinary(), primary_key=True),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(id) = 32", name="console_session_id_is_sha256"),
        schema="gate",
        comment="Who is signed in to the console. `id` is the hash of what the browser holds, `body` is sealed.",
    )
    op.create_index("console_session_seen", "console_session", ["seen_at"], schema="gate")
