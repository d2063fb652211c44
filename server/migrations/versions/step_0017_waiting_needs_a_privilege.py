"""Nobody has others wait behind a lock that they may not have: PostgreSQL queues for some before it asks who comes."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

DEFINING = """
create function gate.refuse_definitions() returns event_trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select from pg_namespace
                   where oid <> pg_my_temp_schema() and has_schema_privilege(current_user, oid, 'create')) then
        raise exception 'a login that may make nothing here defines nothing: %', tg_tag
            using errcode = 'insufficient_privilege';
    end if;
end $$;
REVOKE ALL ON FUNCTION gate.refuse_definitions() FROM public;
do $$
begin
    create event trigger gate_refuse_definitions on ddl_command_start
        when tag in ('CREATE RULE', 'CREATE TRIGGER', 'CREATE TABLE', 'ALTER TABLE')
        execute function gate.refuse_definitions();
exception when insufficient_privilege then
    raise notice 'no event triggers: this user is no superuser';
end $$;
"""
"""These lock the table that they name, or refer to, first and look for the privilege then. Whoever reads a table in one
session, and has such a command wait for it in another, keeps everybody from the table; a catalog's is everybody's.

A login that may make nothing lasting in the database has nothing to define rules, triggers or parts of tables on. To
be refused before the lock is what a trigger on the start of a command is for.
"""


def upgrade() -> None:
    """Refuse definitions at their start to whoever can own nothing here."""
    op.execute(DEFINING)
