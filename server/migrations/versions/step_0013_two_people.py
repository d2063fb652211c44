"""A second person for each policy that is activated, where the gate is set to want one."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WHO_ACTIVATES = """
create function gate.who_activates() returns trigger language plpgsql as $$
begin
    new.login := session_user;
    return new;
end $$;
create trigger who_activates before insert on gate.policy_activation
for each row execute function gate.who_activates();
"""

WHO_SECONDS = """
create function gate.who_seconds() returns trigger language plpgsql as $$
begin
    new.login := session_user;
    new.made_at := now();
    if exists (select from gate.policy_activation a where a.n = new.n and a.login = new.login) then
        raise exception 'nobody seconds what they have activated themselves' using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger who_seconds before insert on gate.policy_seconding
for each row execute function gate.who_seconds();
"""


def upgrade() -> None:
    """Say by which login a policy was activated, and create `gate.policy_seconding`, which takes another one."""
    login = sa.Column("login", sa.Text(), nullable=False, server_default=sa.text("session_user"))
    op.add_column("policy_activation", login, schema="gate")
    op.create_table(
        "policy_seconding",
        sa.Column("n", sa.BigInteger(), sa.ForeignKey("gate.policy_activation.n"), primary_key=True),
        sa.Column("login", sa.Text(), nullable=False, server_default=sa.text("session_user")),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="gate",
        comment="Activations that a second person, who has another login of the database, agrees to.",
    )
    op.execute(WHO_ACTIVATES)
    op.execute(WHO_SECONDS)
    op.execute("REVOKE ALL ON gate.policy_seconding FROM snowgate_gate")
    op.execute("GRANT SELECT ON gate.policy_seconding TO snowgate_gate")
