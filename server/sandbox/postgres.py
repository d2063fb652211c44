"""An embedded PostgreSQL: a child process of ours on a private socket, with a password, that dies when we die."""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg
from psycopg import sql
from sqlalchemy import URL

from server.sandbox.binaries import Binaries, can_reach, copy_binaries, find_binaries

SHELTER = Path("/var/lib/snowgate")
"""Where root puts a cluster whose own home an unprivileged user cannot reach, unless SNOWGATE_SHELTER says where."""

_TETHER = Path(__file__).with_name("tether.py")
_SUPERUSER = "postgres"
_UNPRIVILEGED = ("postgres", "nobody")
_PORT = 5432  # only part of the socket's name
_SOCKET_PATH_BYTES_MAX = 107
_START_S_MAX = 60.0
_STOP_S_MAX = 30.0
_POLL_S = 0.01
_POSTMASTER_READY_LINE = 7


class PostgresNotStarted(Exception):
    """The embedded PostgreSQL cannot run here; the message says what is in the way."""

    retryable = False

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class EmbeddedPostgres:
    """One cluster, kept in `home` from one start to the next, with at most one server at a time.

    Root runs it as an existing unprivileged user, because PostgreSQL does not run as root. When that user cannot reach
    `home`, the cluster lies in `shelter` instead and `home` records where; no directory that is not ours is opened up.
    `settings` are added to the server's command line.
    """

    def __init__(self, home: Path, *, settings: Mapping[str, str] | None = None, shelter: Path | None = None) -> None:
        self._home = home.absolute()
        self._settings = dict(settings or {})
        self._shelter = shelter or Path(os.environ.get("SNOWGATE_SHELTER", SHELTER))
        self._user: pwd.struct_passwd | None = None
        self._place = self._home
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None
        self._made: set[str] = set()

    def start(self) -> None:
        """Start the server, making the cluster first if there is none. Call it from the main thread.

        The server ends when the calling *thread* does (PR_SET_PDEATHSIG), so a worker thread would take it along.

        Raises:
            PostgresNotStarted: code `postgres_missing`, `postgres_running`, `postgres_unreachable`,
                `postgres_version`, `postgres_owner` or `postgres_failed`.
        """
        # Entered by others when root makes it, listed by none: the unprivileged user has to pass through.
        self._home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        self._take_lock()
        try:
            self._user = _unprivileged_user() if os.geteuid() == 0 else None
            self._place = self._find_place()
            binaries = self._find_binaries()
            self._await_previous()
            if not self._data.exists():
                self._make_cluster(binaries)
            self._sockets = self._make_socket_directory()
            self._launch(binaries)
        except BaseException:
            self.stop()
            raise

    def stop(self, *, immediately: bool = False) -> None:
        """Stop the server, if it runs: cleanly, or `immediately`, as a crash would; the next start then recovers."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
            try:
                process.wait(_STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait()
        if self._sockets is not None and self._sockets.parent != self._place:
            shutil.rmtree(self._sockets, ignore_errors=True)
        self._sockets = None
        self._made.clear()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def dsn(self, database: str = "snowgate") -> str:
        """SQLAlchemy's URL of `database`, password included. The database is made if it is missing.

        Raises:
            PostgresNotStarted: the server does not run (code `postgres_not_running`).
        """
        self._ensure(database)
        return self._url("postgresql+psycopg", database)

    def _url(self, driver: str, database: str) -> str:
        if self._process is None or self._sockets is None:
            raise PostgresNotStarted("postgres_not_running", "the embedded postgresql is not running", "start it first")
        url = URL.create(
            driver,
            username=_SUPERUSER,
            password=self._password(),
            database=database,
            query={"host": str(self._sockets), "port": str(_PORT)},
        )
        return url.render_as_string(hide_password=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def data_directory(self) -> Path:
        """Where the cluster lies: below `home`, or in the shelter."""
        return self._data

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return self._process.pid if self._process else None

    @property
    def _data(self) -> Path:
        return self._place / "data"

    @property
    def _log(self) -> Path:
        return self._home / "postgres.log"

    def _take_lock(self) -> None:
        lock = (self._home / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise PostgresNotStarted(
                "postgres_running",
                f"another process already runs the postgresql in `{self._home}`",
                "stop it, or use another data directory",
            ) from error
        self._lock = lock

    def _find_place(self) -> Path:
        record = self._home / "place"
        if self._user is None or can_reach(self._home, self._user.pw_uid, self._user.pw_gid):
            place = self._home
        else:
            # Not named for `home`: one that was removed and made again has another password, so another cluster.
            name = record.read_text().strip() if record.exists() else secrets.token_hex(8)
            place = self._shelter / Path(name).name
            try:
                place.mkdir(mode=0o755, parents=True, exist_ok=True)
                reachable = can_reach(place, self._user.pw_uid, self._user.pw_gid)
            except OSError:
                reachable = False
            if not reachable:
                raise PostgresNotStarted(
                    "postgres_unreachable",
                    f"the user `{self._user.pw_name}`, which runs postgresql for root, can reach neither "
                    f"`{self._home}` nor `{self._shelter}`",
                    "use a data directory that other users may enter, or start as an ordinary user",
                )
            record.write_text(f"{place}\n")
        return place

    def _find_binaries(self) -> Binaries:
        available = find_binaries()
        if not available:
            raise PostgresNotStarted(
                "postgres_missing",
                "no postgresql is installed",
                "install snowgate with its `sandbox` extra, or set SNOWGATE_DATABASE_URL to a postgresql of yours",
            )
        chosen = available[0]
        if self._data.exists():
            try:
                major = int((self._data / "PG_VERSION").read_text())
            except (OSError, ValueError) as error:
                raise PostgresNotStarted(
                    "postgres_owner",
                    f"the cluster in `{self._data}` cannot be read, so it belongs to another user",
                    "start as the user who made it, or use another data directory",
                ) from error
            fitting = [binaries for binaries in available if binaries.major == major]
            if not fitting:
                raise PostgresNotStarted(
                    "postgres_version",
                    f"the cluster in `{self._data}` was made by postgresql {major}, which is not installed",
                    f"install postgresql {major}, or move the data directory away",
                )
            chosen = fitting[0]
        if self._user and not can_reach(chosen.directory, self._user.pw_uid, self._user.pw_gid):
            version = hashlib.sha256(str(chosen.directory.resolve()).encode()).hexdigest()[:8]
            chosen = copy_binaries(chosen, self._place / f"binaries-{chosen.major}-{version}")
        return chosen

    def _await_previous(self) -> None:
        """A server whose owner was killed is still shutting down; let it, since it would not tolerate another."""
        pid_file = self._data / "postmaster.pid"
        give_up_at = time.monotonic() + _STOP_S_MAX
        while _runs_postgres(pid_file):
            if time.monotonic() > give_up_at:
                raise PostgresNotStarted(
                    "postgres_running",
                    f"a postgresql that is not ours runs on `{self._data}`",
                    "stop it, or use another data directory",
                )
            time.sleep(_POLL_S)

    def _make_cluster(self, binaries: Binaries) -> None:
        """`initdb` beside the final place, then one rename, so that a half-made cluster is never taken for one."""
        part = self._place / "data.new"
        shutil.rmtree(part, ignore_errors=True)
        self._make_directory(part)
        password_file = part.with_name("password.new")
        password_file.unlink(missing_ok=True)
        _write_private(password_file, self._password().encode())
        self._give(password_file)
        locale = ["--locale-provider=builtin"] if binaries.major >= 17 else []
        command = [
            str(binaries.directory / "initdb"), "--pgdata", str(part), "--username", _SUPERUSER,
            "--auth=scram-sha-256", "--pwfile", str(password_file), "--encoding=UTF8", "--locale=C.UTF-8", *locale,
            "--data-checksums", "--no-instructions",
        ]  # fmt: skip
        user, group = (self._user.pw_uid, self._user.pw_gid) if self._user else (None, None)
        try:
            done = subprocess.run(
                command, user=user, group=group, extra_groups=None if user is None else [], cwd="/",
                env=_environment(), capture_output=True, timeout=_START_S_MAX, check=False,
            )  # fmt: skip
        finally:
            password_file.unlink()
        if done.returncode != 0:
            self._log.write_bytes(done.stderr)
            shutil.rmtree(part, ignore_errors=True)
            raise self._failed("postgresql could not make a cluster")
        part.rename(self._data)

    def _launch(self, binaries: Binaries) -> None:
        settings = {
            "listen_addresses": "",
            "port": str(_PORT),
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
            "logging_collector": "off",
        } | self._settings
        user, group = (str(self._user.pw_uid), str(self._user.pw_gid)) if self._user else ("-", "-")
        command = [
            sys.executable, "-I", "-S", str(_TETHER), str(signal.SIGINT.value), str(os.getpid()), user, group,
            str(binaries.directory / "postgres"), "-D", str(self._data),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]  # fmt: skip
        pid_file = self._data / "postmaster.pid"
        with self._log.open("ab") as log:
            # Out of the terminal's group: Ctrl-C is for us, and the journal is still needed while we stop.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=_environment(),
                start_new_session=True,
            )  # fmt: skip
        give_up_at = time.monotonic() + _START_S_MAX
        while not _is_ready(pid_file, self._process.pid):
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise self._failed("postgresql did not start")
            time.sleep(_POLL_S)

    def _failed(self, message: str) -> PostgresNotStarted:
        return PostgresNotStarted("postgres_failed", message, f"see what it said in `{self._log}`")

    def _make_socket_directory(self) -> Path:
        """Beside the cluster, or in the system's directory for temporary files when that path is too long."""
        directory = self._place / "run"
        record = self._home / "sockets"
        with suppress(OSError):
            shutil.rmtree(record.read_text().strip())  # left by a process that was killed
        if len(os.fsencode(directory / f".s.PGSQL.{_PORT}")) > _SOCKET_PATH_BYTES_MAX:
            directory = Path(tempfile.mkdtemp(prefix="snowgate-"))
            self._give(directory)
            record.write_text(f"{directory}\n")
        else:
            self._make_directory(directory)
            record.unlink(missing_ok=True)
        return directory

    def _make_directory(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)
        self._give(directory)

    def _give(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _password(self) -> str:
        file = self._home / "password"
        if not file.exists():
            _write_private(file, secrets.token_urlsafe(24).encode())
        return file.read_text()

    def _ensure(self, database: str) -> None:
        if database in self._made:
            return
        with psycopg.connect(self._url("postgresql", "postgres"), autocommit=True) as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", (database,)).fetchone()
            if known is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
        self._made.add(database)


def _unprivileged_user() -> pwd.struct_passwd:
    for name in _UNPRIVILEGED:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresNotStarted(
        "postgres_unreachable",
        "postgresql does not run as root, and this system has neither a user `postgres` nor a user `nobody`",
        "start as an ordinary user",
    )


def _runs_postgres(pid_file: Path) -> bool:
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    with suppress(OSError):  # after a reboot the number may be that of any other program
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    return True


def _is_ready(pid_file: Path, pid: int) -> bool:
    try:
        lines = pid_file.read_text().splitlines()
    except OSError:
        return False
    ready = len(lines) > _POSTMASTER_READY_LINE and lines[_POSTMASTER_READY_LINE].strip() == "ready"
    return ready and lines[0] == str(pid)  # what a killed server left says "ready" as well


def _write_private(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)


def _environment() -> dict[str, str]:
    """Nothing of ours: PG* variables would redirect the server, and others may hold secrets."""
    return {"PATH": os.defpath, "LC_ALL": "C"}
