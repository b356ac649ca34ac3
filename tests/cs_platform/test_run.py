"""`manage.py run` from start to end, with servers of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from cs_platform import env, servers
from cs_platform.servers.place import free_port

pytestmark = pytest.mark.live


def environment(data_dir: Path, port: int) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": "cs_platform.settings",
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "DEMO": "false",
        "WORKER_PROCESSES": "1",
    }


@contextmanager
def product(data_dir: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the product until it answers; whatever happens, nothing of it is left."""
    log = data_dir.parent / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=env.BASE_DIR,
            env=environment(data_dir, port),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while f"is ready at http://localhost:{port}" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(30)
        servers.wait_until_stopped(data_dir=data_dir, timeout_seconds=20)


def get(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    try:
        return response.status, response.read().decode()
    finally:
        connection.close()


def leftovers(data_dir: Path) -> list[int]:
    """Return the processes that were started with this data folder in their environment or command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(data_dir).encode() in told and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def kill_all(data_dir: Path) -> None:
    """Kill every process, as a machine that crashes does; one that was forked meanwhile comes next."""
    deadline = time.monotonic() + 15
    while pids := leftovers(data_dir):
        assert time.monotonic() < deadline, pids
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def test_run_serves_survives_kills_and_stops_without_a_trace(data_dir):
    port = free_port(1)
    with product(data_dir, port) as process:
        assert get(port, "/readyz") == (200, '{"database": "ok", "redis": "ok", "migrations": "ok"}')
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert time.monotonic() - started < 10
        assert leftovers(data_dir) == []
    with product(data_dir, port):
        kill_all(data_dir)
    with product(data_dir, port) as process:
        assert get(port, "/readyz")[0] == 200
        process.kill()
        process.wait()
        deadline = time.monotonic() + 15
        while leftovers(data_dir) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert leftovers(data_dir) == []


def test_run_names_a_busy_port(data_dir):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "manage.py", "run"],
            cwd=env.BASE_DIR,
            env=environment(data_dir, port),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"Port {port} is in use. Stop what uses it or choose another: PORT={port + 1} make run" in done.stderr
