"""The database's schema, step by step (Alembic). Steps are added, never changed, and only go up."""
