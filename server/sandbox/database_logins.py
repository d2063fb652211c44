"""The logins of the sandbox's PostgreSQL: the gate, the auditor and retention each get one that can do no more."""

import hashlib

import psycopg
from psycopg import sql
from sqlalchemy import URL

from server.database import database_url
from server.migrations.journal_sql import ROLES

MEMBERSHIPS = {
    "gate": ("snowgate_gate", "journal_writer", "journal_sequencer"),
    "auditor": ("journal_reader", "journal_writer"),
    "retention": ("journal_retention", "journal_writer"),
}
VARIABLES = {
    "gate": "SNOWGATE_DATABASE_URL",
    "auditor": "SNOWGATE_AUDITOR_DATABASE_URL",
    "retention": "SNOWGATE_RETENTION_DATABASE_URL",
}


def make_logins(admin_url: str) -> dict[str, str]:
    """Make the logins with the superuser that `admin_url` names, unless they are there; the settings that name them.

    Their passwords follow from the superuser's, so that a second start gives the same settings.
    """
    admin = database_url(admin_url)
    with psycopg.connect(_driver(admin), autocommit=True) as connection:
        connection.execute(ROLES)
        settings = {"SNOWGATE_ADMIN_DATABASE_URL": admin_url}
        for login, roles in MEMBERSHIPS.items():
            name = f"{admin.database}_{login}_login"
            password = hashlib.sha256(f"{admin.password}\0{name}".encode()).hexdigest()
            there = connection.execute("select 1 from pg_roles where rolname = %s", (name,)).fetchone()
            verb = sql.SQL("alter" if there else "create")
            spelled = sql.SQL("{} role {} login password {}").format(verb, sql.Identifier(name), sql.Literal(password))
            connection.execute(spelled)
            for role in roles:
                connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(name)))
            url = admin.set(username=name, password=password)
            settings[VARIABLES[login]] = url.render_as_string(hide_password=False)
    return settings


def _driver(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
