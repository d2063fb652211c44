"""Alembic's entry point: runs the steps on the connection that `server.database` hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_version",
    version_table_schema="gate",
)
with context.begin_transaction():
    context.run_migrations()
