"""Proofs of possession that were used."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `gate.dpop_proof`."""
    op.create_table(
        "dpop_proof",
        sa.Column("name", sa.LargeBinary(), primary_key=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
        schema="gate",
        comment="SHA-256 of the key and the id of each proof, until it is too old to be accepted anyway.",
    )
