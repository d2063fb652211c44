"""A primary with a synchronous standby, and a PgBouncer: what production has in front of and behind a journal."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from server.sandbox.binaries import find_binaries
from server.sandbox.postgres import EmbeddedPostgres
from tests.support.databases import driver_dsn

READY_S_MAX = 60.0


class StandbyMissing(Exception):
    """This machine has not what it takes; the message says what."""


@contextmanager
def standby(home: Path, *, apply_delay_ms: int = 0) -> Iterator[str]:
    """The URL of a primary each of whose commits waits until a standby has applied it, `apply_delay_ms` late."""
    backup = next((each.directory / "pg_basebackup" for each in find_binaries()), None)
    if backup is None or not backup.exists():
        raise StandbyMissing("no pg_basebackup beside postgres")
    with EmbeddedPostgres(home / "primary") as primary:
        url = make_url(primary.dsn("journal"))
        data = home / "standby"
        command = [
            str(backup), "--pgdata", str(data), "--host", str(url.query["host"]), "--port", str(url.query["port"]),
            "--username", str(url.username), "--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf",
        ]  # fmt: skip
        environment = {**os.environ, "PGPASSWORD": str(url.password), "LC_ALL": "C"}
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
        owner = primary.data_directory.stat()
        _give(data, owner.st_uid, owner.st_gid)
        with _running(primary, data, apply_delay_ms, owner):
            with psycopg.connect(driver_dsn(primary.dsn("journal")), autocommit=True) as connection:
                _await(connection, "select count(*) from pg_stat_replication where state = 'streaming'")
                connection.execute("alter system set synchronous_standby_names = '*'")
                connection.execute("alter system set synchronous_commit = remote_apply")
                connection.execute("select pg_reload_conf()")
                _await(connection, "select count(*) from pg_stat_replication where sync_state = 'sync'")
            yield primary.dsn("journal")


@contextmanager
def _running(primary: EmbeddedPostgres, data: Path, apply_delay_ms: int, owner: os.stat_result) -> Iterator[None]:
    program = Path(f"/proc/{primary.pid}/exe").readlink()
    sockets = data.with_name("standby-sockets")
    sockets.mkdir()
    os.chown(sockets, owner.st_uid, owner.st_gid)
    command = [
        str(program), "-D", str(data), "-c", "listen_addresses=", "-c", f"unix_socket_directories={sockets}",
        "-c", f"recovery_min_apply_delay={apply_delay_ms}ms", "-c", "logging_collector=off",
    ]  # fmt: skip
    root = os.geteuid() == 0
    with data.with_name("standby.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
            user=owner.st_uid if root else None, group=owner.st_gid if root else None,
            extra_groups=[] if root else None,
        )  # fmt: skip
    try:
        yield
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(30)


@contextmanager
def pgbouncer(home: Path, url: str) -> Iterator[str]:
    """The URL of the same database through a PgBouncer in transaction mode."""
    program = shutil.which("pgbouncer") or ("/usr/sbin/pgbouncer" if Path("/usr/sbin/pgbouncer").exists() else None)
    if program is None:
        raise StandbyMissing("no pgbouncer is installed")
    behind = make_url(url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    directory = home / "pgbouncer"
    directory.mkdir()
    (directory / "users").write_text(f'"{behind.username}" "{behind.password}"\n')
    (directory / "ini").write_text(
        f"[databases]\n* = host={behind.query['host']} port={behind.query['port']}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n"
        f"auth_file = {directory / 'users'}\npool_mode = transaction\ndefault_pool_size = 4\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    owner = Path(str(behind.query["host"])).stat()  # the socket's directory is for its owner alone
    _give(directory, owner.st_uid, owner.st_gid)
    root = os.geteuid() == 0
    with (home / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(directory / "ini")], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            user=owner.st_uid if root else None, group=owner.st_gid if root else None,
            extra_groups=[] if root else None,
        )  # fmt: skip
    through = behind.set(host="127.0.0.1", port=port, query={})
    try:
        _await_port(port)
        yield through.render_as_string(hide_password=False)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _await(connection: "psycopg.Connection[tuple[int]]", question: str) -> None:
    give_up_at = time.monotonic() + READY_S_MAX
    while not (connection.execute(question.encode()).fetchone() or (0,))[0]:
        if time.monotonic() > give_up_at:
            raise StandbyMissing("the standby does not follow")
        time.sleep(0.05)


def _await_port(port: int) -> None:
    give_up_at = time.monotonic() + READY_S_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)
        else:
            return


def _give(directory: Path, user: int, group: int) -> None:
    if os.geteuid() == 0:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, user, group)
