"""Alembic's entry point: runs the steps on the connection that `server.database` hands over."""

from alembic import context

from audit.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="schema_version",
    version_table_schema="gate",
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
