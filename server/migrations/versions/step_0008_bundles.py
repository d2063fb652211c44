"""What decisions rest on: policies and catalogs, kept under their digests."""

from alembic import op

from audit.schema import bundle_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `journal.bundle`, which the first step has made already in a new database."""
    op.execute("set local role journal_owner")
    bundle_table.create(op.get_bind(), checkfirst=True)
    op.execute("drop trigger if exists append_only on journal.bundle")
    op.execute("""
        create trigger append_only before update or delete or truncate on journal.bundle
        for each statement execute function journal.refuse_change()
    """)
    op.execute("GRANT INSERT ON journal.bundle TO journal_writer")
    op.execute("GRANT SELECT ON journal.bundle TO journal_reader")
    op.execute("reset role")
    # Rebuilding compares entries with the tables of the living, and reads no body of theirs.
    op.execute("GRANT SELECT (id, state, opened_at) ON gate.hold TO journal_reader")
    op.execute("GRANT SELECT (hold_id, subject, verdict) ON gate.hold_vote TO journal_reader")
    op.execute("GRANT SELECT (id, lifted_at) ON gate.revocation TO journal_reader")
