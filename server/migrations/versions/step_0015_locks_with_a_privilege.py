"""Locks that only those can hold whom they are for: an advisory lock can be held by any login of the database."""

from alembic import op

from audit.schema import turn_table

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TURNS = """
insert into journal.turn values ('publisher'), ('reconciler') on conflict do nothing;
GRANT SELECT, UPDATE (free) ON journal.turn TO journal_sequencer;
create unique index if not exists run_of_stream on journal.run (stream, n);
"""
"""Who may update a row may lock it. The index refuses what a sequencer from before, which reads first and locks then,
would weave twice beside one that locks this row alone."""

MONTHS = """
create or replace function journal.ensure_month(wanted date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    partition text := format('entry_%s', to_char(wanted, 'YYYYMM'));
begin
    if wanted <> date_trunc('month', wanted)::date
       or wanted not between (now() - interval '62 days')::date and (now() + interval '62 days')::date then
        raise exception 'no month to be written to now: %', wanted using errcode = 'invalid_parameter_value';
    end if;
    if to_regclass('journal.' || partition) is not null then
        return;
    end if;
    -- The lock that ATTACH takes: neither writers nor readers wait for it, and only the owner can hold it.
    lock table journal.entry in share update exclusive mode;
    if to_regclass('journal.' || partition) is null then
        execute format('create table journal.%I (like journal.entry including all)', partition);
        execute format('create trigger append_only before update or delete or truncate on journal.%I
                        for each statement execute function journal.refuse_change()', partition);
        execute format('alter table journal.entry attach partition journal.%I for values from (%L) to (%L)',
                       partition, wanted, (wanted + interval '1 month')::date);
    end if;
end $$;
"""

ACTIVATIONS = """
create or replace function gate.who_activates() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    lock table gate.policy_activation in share update exclusive mode;
    new.n := nextval('gate.policy_activation_number');
    new.login := session_user;
    return new;
end $$;
create or replace function gate.who_seconds() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    lock table gate.policy_activation in share update exclusive mode;
    new.login := session_user;
    new.made_at := now();
    if exists (select from gate.policy_activation a where a.n = new.n and a.login = new.login) then
        raise exception 'nobody seconds what they have activated themselves' using errcode = 'check_violation';
    end if;
    if exists (select from gate.policy_seconding s join gate.policy_activation a using (n)
               where s.n >= new.n and s.login <> a.login and a.mode = 'enforce') then
        raise exception 'it, or a newer policy, has been agreed to' using errcode = 'check_violation';
    end if;
    return new;
end $$;
revoke all on function gate.who_activates(), gate.who_seconds() from public;
"""
"""Whoever may add an activation waits in its trigger for the one before, and nobody else can be waited for: the lock is
the owner's, and the trigger runs as the owner."""


def upgrade() -> None:
    """Create `journal.turn`, and take the locks on months and on activations where they are needed."""
    op.execute("set local role journal_owner")
    turn_table.create(op.get_bind(), checkfirst=True)
    op.execute(TURNS)
    op.execute(MONTHS)
    op.execute("reset role")
    op.execute(ACTIVATIONS)
