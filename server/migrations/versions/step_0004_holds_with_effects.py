"""Holds that bind an effect, what people said of each, and the messages that tell people about them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATES = "'open', 'approved', 'executing', 'executed', 'failed', 'denied', 'withdrawn', 'expired', 'stale'"
ALIVE = "state in ('open', 'approved', 'executing')"


def upgrade() -> None:
    """Replace `gate.hold`; what was open is asked for anew. Create `gate.hold_vote` and `gate.outbox`."""
    op.drop_table("hold", schema="gate")
    _create_hold()
    _create_vote()
    _create_outbox()


def _create_hold() -> None:
    op.create_table(
        "hold",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("call_id", sa.Text(), nullable=False, index=True),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("bound", sa.LargeBinary(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("groups", ARRAY(sa.Text()), nullable=False),
        sa.Column("summary", JSONB(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("escalate_at", sa.DateTime(timezone=True)),
        sa.Column("escalated", sa.Boolean(), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True)),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("claim", sa.Text()),
        sa.Column("claim_until", sa.DateTime(timezone=True)),
        sa.Column("session_id", sa.BigInteger()),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", JSONB(), nullable=False),
        sa.CheckConstraint(f"state in ({STATES})", name="hold_state_known"),
        sa.CheckConstraint("octet_length(asked) = 32", name="hold_asked_is_sha256"),
        sa.CheckConstraint("octet_length(bound) = 32", name="hold_bound_is_sha256"),
        schema="gate",
        comment="Statements that wait for a person. `body` is sealed, and emptied when the hold is settled.",
    )
    alive = sa.text(ALIVE)
    op.create_index("hold_alive", "hold", ["asked"], schema="gate", unique=True, postgresql_where=alive)
    is_open = sa.text("state = 'open'")
    op.create_index("hold_open", "hold", ["opened_at", "id"], schema="gate", postgresql_where=is_open)
    op.create_index("hold_of_subject", "hold", ["issuer", "subject", "opened_at"], schema="gate")
    waits = sa.text("state in ('open', 'approved')")
    op.create_index("hold_expiry", "hold", ["expires_at"], schema="gate", postgresql_where=waits)
    escalates = sa.text("state = 'open' and not escalated")
    op.create_index("hold_escalation", "hold", ["escalate_at"], schema="gate", postgresql_where=escalates)


def _create_vote() -> None:
    op.create_table(
        "hold_vote",
        sa.Column("hold_id", sa.Text(), sa.ForeignKey("gate.hold.id", ondelete="cascade"), primary_key=True),
        sa.Column("issuer", sa.Text(), primary_key=True),
        sa.Column("subject", sa.Text(), primary_key=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("groups", ARRAY(sa.Text()), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("break_glass", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("verdict in ('approve', 'deny')", name="hold_vote_verdict_known"),
        schema="gate",
        comment="What people said of a hold: the first word of each person. `reason` is sealed.",
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        schema="gate",
        comment="Messages about holds that are still to be sent. None carries data of a statement.",
    )
    due = sa.text("sent_at is null and not given_up")
    op.create_index("outbox_due", "outbox", ["next_at"], schema="gate", postgresql_where=due)
