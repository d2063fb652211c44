"""fakesnow, made fit to be asked by strangers: durable files, guarded statements, errors with Snowflake's codes.

The only importer of fakesnow. It parses Snowflake's SQL, runs it on DuckDB and answers in Arrow; around that this
module puts what fakesnow leaves out: who is asking, what the role may do, ids that are known before a statement runs,
and errors instead of HTTP 500. It runs in the look-alike's process and never in the gate's.
"""

import re
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import orjson

from server.sandbox import stand_ins

stand_ins.install()

import duckdb  # noqa: E402  # the stand-ins come first
import fakesnow.server as fakesnow_server  # noqa: E402
import fakesnow.transforms  # noqa: E402
from fakesnow import info_schema, macros  # noqa: E402
from fakesnow.conn import FakeSnowflakeConnection  # noqa: E402
from fakesnow.cursor import FakeSnowflakeCursor  # noqa: E402
from fakesnow.dialect import parse  # noqa: E402
from fakesnow.instance import FakeSnow  # noqa: E402
from fakesnow.transforms import show  # noqa: E402
from snowflake.connector.errors import Error as ConnectorError  # noqa: E402
from snowflake.connector.errors import ProgrammingError  # noqa: E402
from starlette.requests import Request  # noqa: E402

from server.sandbox import (  # noqa: E402
    binds,
    context,
    duckdb_errors,
    explaining,
    information_schema,
    past,
    privileges,
    tagging,
)
from server.sandbox.account import DATABASES  # noqa: E402
from server.sandbox.replies import SnowflakeError, no_privilege, not_found, unsupported  # noqa: E402
from server.sandbox.running import Statement  # noqa: E402
from server.sandbox.sessions import Session  # noqa: E402
from server.sandbox.tagging import Tagging  # noqa: E402

RESULTS_REMEMBERED_MAX = 4
GLOBAL_DATABASE = "_fs_global"
MERGE_TABLE = "merge_candidates"
"""What fakesnow calls the table in which it works a MERGE out."""

V = TypeVar("V")

_WITHOUT_CODE = re.compile(r"^\d{6} \(\w{5}\): ")


class _FewResults(OrderedDict[str, V]):
    """fakesnow remembers every result for ever; this keeps the last few of one session."""

    def __setitem__(self, key: str, value: V) -> None:
        super().__setitem__(key, value)
        while len(self) > RESULTS_REMEMBERED_MAX:
            self.popitem(last=False)


class _Instance(FakeSnow):
    """fakesnow on files: one per database, and one for what fakesnow keeps about all of them."""

    def __init__(self, directory: Path) -> None:
        # Not FakeSnow's own start, which keeps the last of these in memory and would forget comments and text lengths.
        self.create_database_on_connect = self.create_schema_on_connect = False
        self.db_path = None
        self.nop_regexes = None
        self.results_cache = {}
        self.duck_conn = duckdb.connect(":memory:", config={"lambda_syntax": "ENABLE_SINGLE_ARROW"})
        self._attach(directory, GLOBAL_DATABASE)
        self.duck_conn.execute(info_schema.fs_global_creation_sql())
        self.duck_conn.execute(show.fs_global_creation_sql())
        self.duck_conn.execute("SET GLOBAL TimeZone = 'UTC'")
        # For sessions without a current database, which would find fakesnow's macros in none.
        self.duck_conn.execute(macros.creation_sql("memory"))
        for database in sorted(DATABASES):
            self._attach(directory, database)
            self.duck_conn.execute(info_schema.per_db_creation_sql(database))
            self.duck_conn.execute(macros.creation_sql(database))
        self.duck_conn.execute(information_schema.creation_sql(sorted(DATABASES)))
        self.past = past.Past(self.duck_conn.cursor())
        self._attach(directory, tagging.DATABASE)
        self.duck_conn.execute(tagging.CREATION)
        for database in ("memory", tagging.DATABASE, *sorted(DATABASES)):
            self.duck_conn.execute(tagging.hash_agg_sql(database))

    def _attach(self, directory: Path, database: str) -> None:
        file = str(directory / f"{database}.duckdb").replace("'", "''")
        self.duck_conn.execute(f"ATTACH '{file}' AS {database}")

    def lock(self) -> None:
        """Close the ways to files, extensions and settings; the attached databases stay as they are."""
        for setting in ("enable_external_access = false", "allow_community_extensions = false"):
            self.duck_conn.execute(f"SET GLOBAL {setting}")
        self.duck_conn.execute("SET GLOBAL lock_configuration = true")


class _Explained(Exception):
    """Ends a statement that was to be explained and not to be run."""


class _Connection(FakeSnowflakeConnection):
    """One session of the look-alike, as fakesnow sees it; `statement` is the one that has the session's turn."""

    def __init__(self, instance: _Instance, session: Session, database: str | None, schema: str | None) -> None:
        super().__init__(
            instance.duck_conn.cursor(),
            _FewResults(),
            database,
            schema,
            create_database=False,
            create_schema=False,
            paramstyle="qmark",
            autocommit=str(session.parameters.get("AUTOCOMMIT", "true")).lower() != "false",
        )
        self.session = session
        self.past = instance.past
        self.statement: Statement | None = None
        self.was_parsed = False
        self.is_explaining = False
        self.plan: str | None = None
        self.error: SnowflakeError | None = None

    def cursor(self, cursor_class: type[Any] | None = None) -> "_Cursor":
        """Return fakesnow's cursor, guarded."""
        return _Cursor(self, self._duck_conn)


class _Cursor(FakeSnowflakeCursor):
    """fakesnow's cursor with the guards in the places that every statement passes."""

    _conn: _Connection

    @property
    def sfqid(self) -> str | None:
        statement = self._conn.statement
        return statement.query_id if statement else None

    def execute(self, command: str, params: Any = None, *args: Any, **kwargs: Any) -> "_Cursor":
        self._defined: list[Any] = []
        self._is_view = False
        self._conn.was_parsed = True
        try:
            super().execute(command, params, *args, **kwargs)
            if self._defined:
                self._duck_conn.execute(information_schema.REMEMBER_DDL, self._defined)
            if self._is_view:
                self._duck_conn.execute(information_schema.REMEMBER_VIEW, [*self._defined, command])
        except Exception as error:
            self._conn.error = _snowflake_error(error)
            raise ProgrammingError(
                msg=self._conn.error.message, errno=int(self._conn.error.code), sqlstate=self._conn.error.sqlstate
            ) from None
        return self

    def check_db_and_schema(self, expression: Any) -> None:
        privileges.check(expression, self._conn.session.login.role, self._conn.database, self._conn.schema)
        super().check_db_and_schema(expression)
        if self._conn.statement is not None:
            record = self._conn.statement.record
            where = (self._conn.database, self._conn.schema)
            self._conn.past.keep(expression, record.query_id, record.started_at, *where)
        kind = str(expression.args.get("kind")).upper()
        if expression.key in ("create", "alter", "comment") and kind in ("TABLE", "VIEW", "COLUMN"):
            self._defined = _named(expression.this, kind, self._conn.database, self._conn.schema)
            self._is_view = expression.key == "create" and kind == "VIEW"

    def _transform(self, expression: Any, params: Any) -> Any:
        answers = context.answers(self._conn.session, self._conn.database, self._conn.schema)
        context.name_columns(expression)
        expression = past.travel(expression, self._conn.past, self._conn.database, self._conn.schema)
        expression = expression.transform(lambda node: context.answered(node, answers), copy=False)
        return super()._transform(expression, params)

    def _execute(self, transformed: Any, params: Any = None) -> None:
        if self._conn.statement is not None and self._conn.statement.cause is not None:
            raise self._conn.statement.cause
        if transformed.key == "create" and transformed.this.name.lower() == MERGE_TABLE:
            # Made plainly: what fakesnow notes of a new table needs a current database and goes to another one, which
            # DuckDB lets no transaction change that has changed this one.
            self._duck_conn.execute(transformed.sql(dialect="duckdb"), params)
            return
        if self._conn.is_explaining:
            planned = f"EXPLAIN (FORMAT JSON) {transformed.sql(dialect='duckdb')}"
            self._conn.plan = self._duck_conn.execute(planned, params).fetchall()[0][1]
            raise _Explained
        super()._execute(transformed, params)


def _named(node: Any, kind: str, database: str | None, schema: str | None) -> list[str | None]:
    """Return database, schema and name of what a DDL is about, as Snowflake stores them; a column's table for it."""
    node = node.this if node.key == "schema" else node
    parts = ("catalog", "db", "table" if kind == "COLUMN" else "this")
    found = [node.args.get(part) for part in parts]
    stored = [each and (each.name if each.args.get("quoted") else each.name.upper()) for each in found]
    return [stored[0] or database, stored[1] or schema, stored[2]]


class Owner:
    """May do everything: `run` takes Snowflake's SQL, `duckdb` DuckDB's own."""

    def __init__(self, instance: _Instance) -> None:
        self.duckdb = instance.duck_conn
        self._connection = instance.connect()

    def run(self, sql: str) -> None:
        """Run one statement of Snowflake's, unguarded."""
        self._connection.cursor().execute(sql, server=True)

    def create_view(self, database: str, schema: str, name: str, definition: str) -> None:
        """Create a view and keep the text that created it."""
        self.run(definition)
        self.duckdb.execute(information_schema.REMEMBER_VIEW, [database, schema, name, definition])


class Engine:
    """All of fakesnow that the front needs: sessions by number, statements in JSON, answers in JSON."""

    def __init__(self, directory: Path) -> None:
        """Open, or make, the databases in `directory`; one process at a time may hold them."""
        warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)
        _mend_fakesnow()
        self._instance = _Instance(directory)

    def owner(self) -> Owner:
        """Return the owner of everything, for filling the databases before `lock`."""
        return Owner(self._instance)

    def shut(self) -> None:
        """Write everything to the files and let go of them."""
        self._instance.duck_conn.close()

    def lock(self) -> None:
        """Nothing on this machine is reachable by SQL from here on."""
        self._instance.lock()

    def open(self, session: Session, database: str, schema: str) -> None:
        """Give a new session its connection; a database that its role may not use is not made current."""
        usable = database.upper() in session.login.role.databases
        connection = _Connection(self._instance, session, (usable and database) or None, (usable and schema) or None)
        fakesnow_server.sessions[str(session.session_id)] = connection

    def close(self, session: Session) -> None:
        """Drop a session's connection; an open transaction is rolled back."""
        connection = fakesnow_server.sessions.pop(str(session.session_id), None)
        if connection is not None:
            connection.close()

    def bring_back(self, session: Session, table: past.Name, moment: past.Moment | None) -> None:
        """UNDROP the table, or put it back to what it was at `moment`; raises SnowflakeError."""
        role = session.login.role
        if table.database not in role.databases:
            raise not_found(f"Object '{table}'")
        if not role.changes_tables:
            raise no_privilege(f"table with role '{role.name}'")
        if moment is None:
            self._instance.past.undrop(table)
        else:
            self._instance.past.put_back(table, moment)
        ddl = [table.database, table.schema, table.name]
        self._instance.duck_conn.execute(information_schema.REMEMBER_DDL, ddl)

    def tags_of(self, session: Session, asked: tagging.AskedTags) -> list[tuple[Any, ...]]:
        """The tags of tables as they are, inherited ones too; raises SnowflakeError."""
        found: list[tuple[Any, ...]] = []
        for place in asked.tables:
            rows = self._instance.duck_conn.execute(tagging.COLUMNS_OF, place).fetchall()
            if place[0] not in session.login.role.databases or not rows:
                raise not_found(f"Object '{'.'.join(place)}'")
            for (column,) in rows:
                found += self._instance.duck_conn.execute(tagging.TAGS_OF, [*place, column]).fetchall()
        return found

    def record(self, session: Session, asked: Tagging) -> None:
        """Record tags and policies that were set; raises SnowflakeError."""
        role = session.login.role
        if not role.changes_tables or asked.database not in role.databases:
            raise no_privilege(f"a tag or policy with role '{role.name}'")
        for sql, values in asked.does:
            self._instance.duck_conn.execute(sql, values)

    def interrupt(self, session_id: int) -> None:
        """Make what this session runs stop with an error; without effect if it runs nothing."""
        connection = fakesnow_server.sessions.get(str(session_id))
        if connection is not None:
            connection._duck_conn.interrupt()

    async def query(self, statement: Statement, body: bytes) -> bytes:
        """Run one statement; `body` is the driver's request as JSON, the answer is Snowflake's as JSON.

        Raises SnowflakeError for everything that did not succeed. The caller holds the session's turn.
        """
        handle = str(statement.session.session_id)
        connection = fakesnow_server.sessions[handle]
        assert isinstance(connection, _Connection)  # noqa: S101  # ours is the only way in
        connection.statement, connection.was_parsed, connection.error = statement, False, None
        asked = explaining.ASKED.match(statement.record.sql)
        connection.is_explaining, connection.plan = asked is not None, None
        if asked is not None:
            body = orjson.dumps({**orjson.loads(body), "sqlText": statement.record.sql[asked.end() :]})
        try:
            _refuse_several(statement.record.sql)
            response = await fakesnow_server.query_request(_request(handle, body))
        except ConnectorError as error:
            raise _snowflake_error(error) from None
        finally:
            connection.statement = None
        if connection.plan is not None:
            sizes = dict(connection._duck_conn.execute(explaining.SIZES).fetchall())
            return orjson.dumps(explaining.reply(statement.query_id, connection.plan, sizes))
        if connection.error is not None:
            raise connection.error
        if response.status_code != 200:
            raise unsupported("statement")
        if not connection.was_parsed:
            refused = orjson.loads(response.body)
            raise SnowflakeError(refused["code"], "42000", _WITHOUT_CODE.sub("", refused["message"]))
        return bytes(response.body)


def _mend_fakesnow() -> None:
    # Its rule for binds fails on decimals and NULL as the driver sends them.
    vars(fakesnow_server)["from_binding"] = binds.value_of
    # It turns every SUM into a DOUBLE, so that texts can be summed; exact decimals matter more here.
    vars(fakesnow.transforms)["numeric_agg_implicit_cast"] = lambda expression: expression


def _request(handle: str, body: bytes) -> Request:
    async def receive() -> Mapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"authorization", f'Snowflake Token="{handle}"'.encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return Request(scope, receive)  # type: ignore[arg-type]  # a Mapping is all that is read


def _refuse_several(sql: str) -> None:
    # fakesnow runs the first of several statements and drops the others without a word.
    if ";" in sql:
        count = sum(1 for each in parse(sql) if each is not None and each.key != "semicolon")
        if count > 1:
            raise SnowflakeError(
                "000008",
                "0A000",
                f"Actual statement count {count} did not match the desired statement count 1.",
            )


def _snowflake_error(error: BaseException) -> SnowflakeError:
    """Return any error of a statement as one that Snowflake has."""
    if isinstance(error, SnowflakeError):
        return error
    cause = error.__cause__ if isinstance(error, ConnectorError) else error
    if isinstance(cause, duckdb.Error):
        return duckdb_errors.as_snowflake(cause)
    if isinstance(error, ConnectorError) and error.errno and error.errno != 9999:
        return SnowflakeError(f"{error.errno:06d}", error.sqlstate or "42000", _WITHOUT_CODE.sub("", str(error.msg)))
    return unsupported("statement")
