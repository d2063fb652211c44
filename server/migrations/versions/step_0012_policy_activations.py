"""Which policy is in force on all replicas, and which one decides in its shadow."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `gate.policy_activation`. Rows are added and never changed, and the gate's login can only read them."""
    op.create_table(
        "policy_activation",
        sa.Column("n", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text()),
        sa.Column("document", sa.Text()),
        sa.Column("rule_sets", JSONB(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("mode in ('enforce', 'shadow')", name="policy_activation_mode_known"),
        sa.CheckConstraint("(digest is null) = (document is null)", name="policy_activation_is_whole"),
        sa.CheckConstraint("document is not null or mode = 'shadow'", name="policy_activation_enforces_something"),
        schema="gate",
        comment="Policies that were activated, with everything that they say, newest last.",
    )
    op.execute("REVOKE ALL ON gate.policy_activation FROM snowgate_gate")
    op.execute("GRANT SELECT ON gate.policy_activation TO snowgate_gate")
