"""What the gate's login may do in the database, and the refusal to start with more: it writes evidence, and no more."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from server.config import SettingsError

_EXCESS = text("""
    select what from (values
        ('is a superuser', (select rolsuper from pg_roles where rolname = current_user)),
        ('bypasses row security', (select rolbypassrls from pg_roles where rolname = current_user)),
        ('may make roles', (select rolcreaterole from pg_roles where rolname = current_user)),
        ('may replicate', (select rolreplication from pg_roles where rolname = current_user)),
        ('is a member of journal_owner', pg_has_role(current_user, 'journal_owner', 'member')),
        ('is a member of journal_reader', pg_has_role(current_user, 'journal_reader', 'member')),
        ('is a member of journal_retention', pg_has_role(current_user, 'journal_retention', 'member')),
        ('reads all data', pg_has_role(current_user, 'pg_read_all_data', 'member')),
        ('writes all data', pg_has_role(current_user, 'pg_write_all_data', 'member')),
        ('reads the bodies of entries', has_column_privilege('journal.entry', 'body', 'select')),
        ('changes entries', has_any_column_privilege('journal.entry', 'update')),
        ('deletes entries', has_table_privilege('journal.entry', 'delete')),
        ('truncates entries', has_table_privilege('journal.entry', 'truncate')),
        ('makes triggers on entries', has_table_privilege('journal.entry', 'trigger')),
        ('changes signed heads', has_any_column_privilege('journal.checkpoint', 'update')),
        ('activates policies', has_any_column_privilege('gate.policy_activation', 'insert')),
        ('seconds policies', has_any_column_privilege('gate.policy_seconding', 'insert')),
        ('changes activations', has_any_column_privilege('gate.policy_activation', 'update')),
        ('changes who seconded', has_any_column_privilege('gate.policy_seconding', 'update')),
        ('deletes activations', has_table_privilege('gate.policy_activation', 'delete, truncate')),
        ('deletes who seconded', has_table_privilege('gate.policy_seconding', 'delete, truncate')),
        ('makes triggers on activations', has_table_privilege('gate.policy_activation', 'trigger')),
        ('makes triggers on who seconded', has_table_privilege('gate.policy_seconding', 'trigger')),
        ('makes tables in the schema journal', has_schema_privilege('journal', 'create')),
        ('drops months', has_function_privilege('journal.drop_month(date)', 'execute'))
    ) as rights(what, has) where has
""")


async def refuse_excess(engine: AsyncEngine) -> None:
    """Refuse to start with a login that can do more to the journal than to add to it, or that could activate a policy.

    Raises:
        SettingsError: it can; the message says what.
    """
    async with engine.connect() as connection:
        excess = (await connection.execute(_EXCESS)).scalars().all()
    if excess:
        raise SettingsError(
            f"the login of SNOWGATE_DATABASE_URL has more rights than the gate needs: it {', '.join(excess)}",
            "use a login that is a member of snowgate_gate, journal_writer and journal_sequencer, and of nothing else",
        )
