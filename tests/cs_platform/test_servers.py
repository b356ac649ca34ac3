"""The embedded servers, with real processes: each test has a data folder of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from redis import Redis

from cs_platform import env, servers
from cs_platform.servers import engines, place

pytestmark = pytest.mark.live

USE_AND_WAIT = """
import sys, time
from pathlib import Path
from cs_platform import servers
with servers.running(sys.argv[2:], data_dir=Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(60)
"""


def start_user(data_dir: Path, *names: str) -> subprocess.Popen[bytes]:
    """Start a process that uses the servers for a minute, and wait until it has them."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE_AND_WAIT, str(data_dir), *names], cwd=env.BASE_DIR, stdout=subprocess.PIPE
    )
    assert process.stdout
    with process.stdout as pipe:
        assert pipe.readline() == b"up\n"
    return process


def query(data_dir: Path, sql: str) -> list:
    url, _ = servers.urls(data_dir=data_dir, database_url="", redis_url="")
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def redis_of(data_dir: Path) -> Redis:
    _, url = servers.urls(data_dir=data_dir, database_url="", redis_url="")
    return Redis.from_url(url)


def keeper_pid(data_dir: Path, name: str) -> int:
    found = subprocess.run(["pgrep", "-f", f"servers.keeper {name} {data_dir}"], capture_output=True, check=True)
    return int(found.stdout.split()[0])


def test_urls_without_a_start_refuse_connections_and_create_nothing(data_dir):
    database, redis = servers.urls(data_dir=data_dir, database_url="", redis_url="")
    assert database == "postgresql://cs:never-started@127.0.0.1:1/cs"
    assert redis == "redis://:never-started@127.0.0.1:1/0"
    assert not data_dir.exists()


def test_urls_that_are_named_win():
    named = {"database_url": "postgresql://a/b", "redis_url": "redis://c"}
    assert servers.urls(data_dir=Path("/nowhere"), **named) == ("postgresql://a/b", "redis://c")
    assert servers.embedded(**named) == []
    assert servers.embedded(database_url="postgresql://a/b", redis_url="") == ["redis"]


def test_data_address_and_password_survive_a_restart(data_dir):
    with servers.running(["postgres", "redis"], data_dir=data_dir):
        before = servers.urls(data_dir=data_dir, database_url="", redis_url="")
        query(data_dir, "CREATE TABLE kept AS SELECT 42 AS answer")
        with redis_of(data_dir) as redis:
            redis.set("kept", "42")
            assert redis.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
            assert redis.config_get("bind")["bind"] == "127.0.0.1"
        assert query(data_dir, "SHOW fsync") == [("on",)]
        assert query(data_dir, "SHOW server_encoding") == [("UTF8",)]
    assert servers.wait_until_stopped(data_dir=data_dir, timeout_seconds=20)
    with pytest.raises(psycopg2.OperationalError):
        query(data_dir, "SELECT 1")
    with servers.running(["postgres", "redis"], data_dir=data_dir):
        assert servers.urls(data_dir=data_dir, database_url="", redis_url="") == before
        assert query(data_dir, "SELECT answer FROM kept") == [(42,)]
        with redis_of(data_dir) as redis:
            assert redis.get("kept") == b"42"


def test_secrets_are_private_and_folders_above_stay_as_they_were(data_dir):
    with servers.running(["postgres", "redis"], data_dir=data_dir):
        for name in servers.NAMES:
            state = data_dir / name / "state.json"
            assert state.stat().st_mode & 0o777 == 0o600
            assert Path(place.load_state(state.parent).home).stat().st_mode & 0o777 == 0o700
            password = place.load_state(state.parent).password
            commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
            assert password not in commands
        assert data_dir.parent.stat().st_mode & 0o777 == 0o755


def test_a_wrong_password_is_refused(data_dir):
    with servers.running(["postgres"], data_dir=data_dir):
        port = place.load_state(data_dir / "postgres").port
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(host="127.0.0.1", port=port, user="cs", password="guess", dbname="cs")


def test_servers_stay_until_their_last_user_is_gone(data_dir):
    with servers.running(["postgres"], data_dir=data_dir):
        other = start_user(data_dir, "postgres")
    assert query(data_dir, "SELECT 1") == [(1,)]
    other.kill()
    other.wait()
    assert servers.wait_until_stopped(data_dir=data_dir, timeout_seconds=20)


def test_many_processes_at_once_share_one_server(data_dir):
    users = [
        subprocess.Popen(
            [sys.executable, "-c", USE_AND_WAIT, str(data_dir), "redis"], cwd=env.BASE_DIR, stdout=subprocess.PIPE
        )
        for _ in range(5)
    ]
    for user in users:
        with user.stdout as pipe:
            assert pipe.readline() == b"up\n"
    listing = subprocess.run(["pgrep", "-fc", f"servers.keeper redis {data_dir}"], capture_output=True, check=True)
    assert listing.stdout == b"1\n"
    for user in users:
        user.kill()
        user.wait()


def test_a_server_that_dies_is_started_again(data_dir):
    with servers.running(["postgres"], data_dir=data_dir):
        query(data_dir, "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(int((data_dir / "postgres" / "server.pid").read_text()), signal.SIGKILL)
        deadline = time.monotonic() + 30
        while True:
            try:
                assert query(data_dir, "SELECT answer FROM kept") == [(42,)]
                break
            except psycopg2.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.1)


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_everything_killed_at_once_recovers_with_its_data(data_dir):
    user = start_user(data_dir, "postgres", "redis")
    query(data_dir, "CREATE TABLE kept AS SELECT 42 AS answer")
    pids = [keeper_pid(data_dir, name) for name in servers.NAMES]
    pids += [int((data_dir / name / "server.pid").read_text()) for name in servers.NAMES]
    for pid in (user.pid, *pids):
        os.kill(pid, signal.SIGKILL)
    user.wait()
    # Until they are gone one may still reach them, and be cut off.
    deadline = time.monotonic() + 10
    while not all(is_gone(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with servers.running(["postgres", "redis"], data_dir=data_dir):
        assert query(data_dir, "SELECT answer FROM kept") == [(42,)]


def test_a_killed_keeper_takes_its_server_along(data_dir):
    with servers.running(["postgres"], data_dir=data_dir):
        first = int((data_dir / "postgres" / "server.pid").read_text())
        os.kill(keeper_pid(data_dir, "postgres"), signal.SIGKILL)
        assert servers.wait_until_stopped(data_dir=data_dir, timeout_seconds=5)
        with servers.running(["postgres"], data_dir=data_dir):
            assert int((data_dir / "postgres" / "server.pid").read_text()) != first
            assert query(data_dir, "SELECT 1") == [(1,)]


def test_a_half_made_database_is_made_anew(data_dir):
    folder = place.make_folder(data_dir, "postgres")
    own = place.find(folder)
    own.run(["mkdir", "-p", "data.draft/base"])
    own.write("data.draft/PG_VERSION", "18\n")
    with servers.running(["postgres"], data_dir=data_dir):
        assert query(data_dir, "SELECT current_database()") == [("cs",)]
    assert not (own.home / "data.draft").exists()


def test_a_pid_file_that_names_a_stranger_does_not_hinder(data_dir):
    with servers.running(["postgres"], data_dir=data_dir):
        pass
    servers.wait_until_stopped(data_dir=data_dir, timeout_seconds=20)
    home = Path(place.load_state(data_dir / "postgres").home)
    (home / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{home}/data\n")
    with servers.running(["postgres"], data_dir=data_dir):
        assert query(data_dir, "SELECT 1") == [(1,)]


def test_a_port_taken_by_a_stranger_is_replaced(data_dir):
    with servers.running(["redis"], data_dir=data_dir):
        pass
    servers.wait_until_stopped(data_dir=data_dir, timeout_seconds=20)
    old = place.load_state(data_dir / "redis").port
    with socket.create_server(("127.0.0.1", old)), servers.running(["redis"], data_dir=data_dir):
        assert place.load_state(data_dir / "redis").port != old
        with redis_of(data_dir) as redis:
            assert redis.ping()


def test_throwaway_servers_leave_nothing(data_dir):
    with servers.running(["postgres"], data_dir=data_dir, throwaway=True):
        assert query(data_dir, "SHOW fsync") == [("off",)]
    servers.wait_until_stopped(data_dir=data_dir, timeout_seconds=20)
    assert list(data_dir.iterdir()) == []


def test_destroy_refuses_while_in_use(data_dir):
    with servers.running(["redis"], data_dir=data_dir):
        with pytest.raises(servers.ServerError, match=r"The embedded redis in .* is in use"):
            servers.destroy(data_dir=data_dir)
        with redis_of(data_dir) as redis:
            assert redis.ping()


def test_a_damaged_database_names_its_log(data_dir):
    folder = place.make_folder(data_dir, "postgres")
    own = place.find(folder)
    own.run(["mkdir", "data"])
    own.write("data/PG_VERSION", "9.6\n")
    with (
        pytest.raises(servers.ServerError, match=r"embedded postgres cannot start. Its log .*server\.log ends with"),
        servers.running(["postgres"], data_dir=data_dir),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its servers to another user")
def test_root_keeps_the_data_elsewhere_when_its_user_cannot_come_in(data_dir):
    data_dir.parent.chmod(0o700)
    with servers.running(["redis"], data_dir=data_dir):
        home = Path(place.load_state(data_dir / "redis").home)
        assert home.parent == Path("/var/tmp")
        with redis_of(data_dir) as redis:
            assert redis.ping()
    assert data_dir.parent.stat().st_mode & 0o777 == 0o700
    servers.wait_until_stopped(data_dir=data_dir, timeout_seconds=20)
    servers.destroy(data_dir=data_dir)
    assert not home.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its servers to another user")
def test_programs_that_the_user_cannot_run_are_copied(data_dir, monkeypatch):
    monkeypatch.setattr(engines, "can_execute", lambda _place, _program: False)
    own = place.find(place.make_folder(data_dir, "postgres"))
    original = engines.find_postgres()
    before = original.stat()
    engine = engines.Postgres(own, throwaway=True)
    assert engine.bin.is_relative_to(own.home)
    engine.prepare()
    assert (own.home / "data" / "PG_VERSION").exists()
    assert (original.stat().st_mode, original.stat().st_mtime) == (before.st_mode, before.st_mtime)


def test_missing_programs_say_what_to_set(monkeypatch):
    monkeypatch.setattr(engines, "_package_folder", lambda _package: None)
    monkeypatch.setattr(engines, "version_of", lambda _program: 0)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(servers.ServerError, match="set DATABASE_URL=postgresql://"):
        engines.find_postgres()
    with pytest.raises(servers.ServerError, match="set REDIS_URL=redis://"):
        engines.find_redis()


def test_a_folder_of_somebody_else_is_named(data_dir, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_arguments: False)
    with (
        pytest.raises(servers.ServerError, match="redis cannot be written by this user"),
        servers.running(["redis"], data_dir=data_dir),
    ):
        pass


def test_state_survives_a_rewrite(data_dir):
    folder = place.make_folder(data_dir, "redis")
    own = place.find(folder)
    own.remember(port=4711)
    assert json.loads((folder / "state.json").read_text())["port"] == 4711
    assert place.find(folder).home == own.home
