"""Numbers of activations that nobody chooses: an identity column takes the number of whoever says OVERRIDING."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

NUMBERS = """
alter table gate.policy_activation alter column n drop identity;
create sequence gate.policy_activation_number owned by gate.policy_activation.n;
revoke all on sequence gate.policy_activation_number from snowgate_gate;
select setval('gate.policy_activation_number', coalesce(max(n), 0) + 1, false) from gate.policy_activation;
create or replace function gate.who_activates() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    new.n := nextval('gate.policy_activation_number');
    new.login := session_user;
    return new;
end $$;
revoke all on function gate.who_activates() from public;
"""
"""As its owner, the trigger may use the sequence, which operators cannot; `session_user` is still whoever came."""


def upgrade() -> None:
    """Take the number of an activation from a sequence, whatever an INSERT says."""
    op.execute(NUMBERS)
