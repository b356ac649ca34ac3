"""The PostgreSQL and Redis to talk to: the ones named, else embedded ones in the data folder.

An embedded server belongs to a *keeper* process (keeper.py), which starts it for its first user
and stops it when the last one is gone. A user holds a shared lock on a file for as long as it
lives; the kernel drops that lock whatever way the process ends, so nothing is left running.
Only the standard library is used: this runs before Django and decides its settings.
"""

import fcntl
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cs_platform.servers import place
from cs_platform.servers.place import ServerError

__all__ = ["ServerError", "destroy", "embedded", "running", "urls", "wait_until_stopped"]

NAMES = ("postgres", "redis")
START_TIMEOUT_SECONDS = 300  # crash recovery of a large database may take minutes
_REPOSITORY = Path(__file__).resolve().parent.parent.parent


def urls(*, data_dir: Path, database_url: str, redis_url: str) -> tuple[str, str]:
    """Return (database URL, Redis URL). Starts nothing.

    An embedded server that was never started has an address that refuses every connection.
    """
    postgres, redis = place.load_state(data_dir / "postgres"), place.load_state(data_dir / "redis")
    return (
        database_url or f"postgresql://cs:{postgres.password}@127.0.0.1:{postgres.port}/cs",
        redis_url or f"redis://:{redis.password}@127.0.0.1:{redis.port}/0",
    )


def embedded(*, database_url: str, redis_url: str) -> list[str]:
    """Return the names of the servers that no URL replaces."""
    return [name for name, url in zip(NAMES, (database_url, redis_url), strict=True) if not url]


@contextmanager
def running(names: list[str], *, data_dir: Path, throwaway: bool = False) -> Iterator[None]:
    """Keep the named servers running inside the block; they stop after their last user.

    throwaway: for tests; faster, and the data is deleted when the last user is gone.
    Raises ServerError with the reason when one cannot be started.
    """
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(_used(name, data_dir, throwaway=throwaway))
        yield


def wait_until_stopped(*, data_dir: Path, timeout_seconds: float) -> bool:
    """Wait for the keepers to end after their last user; return whether all have."""
    deadline = time.monotonic() + timeout_seconds
    while any(_has_keeper(data_dir / name) for name in NAMES):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def destroy(*, data_dir: Path) -> None:
    """Delete the embedded servers of a data folder and all they hold. Raises ServerError while in use."""
    for name in NAMES:
        folder = data_dir / name
        if not folder.exists():
            continue
        if _has_keeper(folder):
            msg = f"The embedded {name} in {data_dir} is in use; stop what uses it first."
            raise ServerError(msg)
        place.delete(folder)


@contextmanager
def _used(name: str, data_dir: Path, *, throwaway: bool) -> Iterator[None]:
    folder = place.make_folder(data_dir, name)
    with (folder / "users.lock").open("a") as users:
        with (folder / "start.lock").open("a") as start:
            # One starter at a time. The shared lock waits for a keeper that is just stopping.
            fcntl.flock(start, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            if not _has_keeper(folder):
                _start_keeper(name, folder, throwaway=throwaway)
        yield


def _has_keeper(folder: Path) -> bool:
    try:
        with (folder / "keeper.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _start_keeper(name: str, folder: Path, *, throwaway: bool) -> None:
    """Start a keeper in a session of its own (Ctrl-C must not reach it) and wait for its word."""
    command = [sys.executable, "-m", "cs_platform.servers.keeper", name, str(folder.resolve())]
    with (folder / "keeper.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "throwaway"] if throwaway else command,
            cwd=_REPOSITORY,
            env={key: value for key, value in os.environ.items() if not key.startswith(("COV_CORE", "PYTHONPATH"))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert process.stdout
    with process.stdout as pipe:
        ready, _, _ = select.select([pipe], [], [], START_TIMEOUT_SECONDS)
        line = pipe.readline() if ready else b'{"error": "It took too long."}'
    error = json.loads(line)["error"] if line else f"{folder / 'keeper.log'} says why."
    if error:
        process.terminate()
        process.wait()
        raise ServerError(f"The embedded {name} cannot start. {error}")
    # The keeper outlives us on purpose; Popen would warn about that.
    process.returncode = 0
