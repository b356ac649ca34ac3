"""The process that owns one embedded server: `python -m cs_platform.servers.keeper NAME FOLDER [throwaway]`.

It says on standard output, in one line of JSON, whether the server is ready or why not. Then it
restarts the server when that dies, and stops it when nobody holds `users.lock` any more.
"""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from cs_platform.servers import place
from cs_platform.servers.engines import ENGINES, Engine
from cs_platform.servers.place import Place, ServerError

POLL_SECONDS = 0.1
START_ATTEMPTS = 6
STOP_SECONDS = 60
LONGEST_PAUSE_SECONDS = 30.0
LOG_LIMIT_BYTES = 10 * 1024 * 1024
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def main(name: str, folder: Path, *, throwaway: bool) -> None:
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with (folder / "keeper.lock").open("a") as own, (folder / "users.lock").open("a") as users:
        fcntl.flock(own, fcntl.LOCK_EX)
        try:
            home = place.find(folder)
            _hold(home.home)
            engine: Engine = ENGINES[name](home, throwaway)
            _end_orphan(home)
            engine.prepare()
            server = start(engine, home)
        except (ServerError, OSError) as error:
            _say(error=str(error))
            raise SystemExit(1) from None
        _say(error="")
        server = _watch(engine, home, server, users, stopping)
        stop(engine, server)
        if throwaway:
            place.delete(folder)


def start(engine: Engine, home: Place) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers. Raises ServerError with the end of its log."""
    _rotate(home.log)
    tail = ""
    for _ in range(START_ATTEMPTS):
        port = place.free_port(place.load_state(home.folder).port)
        home.remember(port=port)
        with home.log.open("ab") as log:
            server = subprocess.Popen(
                engine.command(port),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent(engine.stop_signals[0]),  # noqa: PLW1509 -- the keeper has one thread
                **home.run_as,
            )
        (home.folder / "server.pid").write_text(str(server.pid))
        assert server.stdin
        with server.stdin as pipe:
            pipe.write(engine.configuration(port).encode())
        while server.poll() is None:
            if engine.is_ready(port):
                return server
            time.sleep(0.02)
        tail = "\n".join(home.log.read_text(errors="replace").splitlines()[-8:])
        if "in use" not in tail:  # memory or port, still held by a process of the last run
            break
        time.sleep(1)
    msg = f"Its log {home.log} ends with:\n{tail}"
    raise ServerError(msg)


def stop(engine: Engine, server: subprocess.Popen[bytes]) -> None:
    for number in (*engine.stop_signals, signal.SIGKILL):
        server.send_signal(number)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def _watch(
    engine: Engine, home: Place, server: subprocess.Popen[bytes], users: IO[str], stopping: list[int]
) -> subprocess.Popen[bytes]:
    """Return the server when its last user is gone or the keeper was told to stop."""
    pause = 0.2
    while not stopping and _in_use(users):
        time.sleep(POLL_SECONDS)
        if server.poll() is None:
            continue
        _log(f"{engine.name} ended with {server.returncode}; starting it again.")
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        try:
            server = start(engine, home)
        except ServerError as error:
            _log(str(error))
    return server


def _in_use(users: IO[str]) -> bool:
    """Return whether somebody holds a shared lock; if not, newcomers wait from now on until we end."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _hold(home: Path) -> None:
    """Lock the home so that systemd-tmpfiles leaves old files in /var/tmp alone while we run."""
    try:
        fcntl.flock(os.open(home, os.O_RDONLY), fcntl.LOCK_SH)
    except PermissionError:
        return


def _end_orphan(home: Place) -> None:
    """End the server of a keeper that was killed, so that two never write to the same files."""
    try:
        pid = int((home.folder / "server.pid").read_text())
    except (FileNotFoundError, ValueError):
        return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        if not _is_ours(pid, home.home):
            break
        os.kill(pid, number)
        deadline = time.monotonic() + STOP_SECONDS / 3
        while _is_ours(pid, home.home) and time.monotonic() < deadline:
            time.sleep(0.05)
    # PostgreSQL takes any living process with the number in its pid file for a rival.
    (home.home / "data" / "postmaster.pid").unlink(missing_ok=True)


def _is_ours(pid: int, home: Path) -> bool:
    """Return whether a process is a server working inside the home, not a stranger with its old number."""
    if not Path("/proc/self").exists():
        listing = ["/bin/ps", "-o", "command=", "-p", str(pid)]
        command = subprocess.run(listing, capture_output=True, text=True, check=False).stdout
        return "redis-server" in command or str(home) in command
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True).is_relative_to(home.resolve())
    except OSError:
        return False


def _die_with_parent(number: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    if _libc is None:
        return None
    return lambda: _libc.prctl(PR_SET_PDEATHSIG, number)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _say(*, error: str) -> None:
    sys.stdout.write(json.dumps({"error": error}) + "\n")
    sys.stdout.close()
    sys.stdout = sys.stderr


def _log(message: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), throwaway="throwaway" in sys.argv[3:])
