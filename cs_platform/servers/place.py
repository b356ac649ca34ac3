"""Where an embedded server lives, under which user it runs and what it remembers.

`DATA_DIR/<server>/` belongs to whoever runs the product and holds locks, logs and `state.json`
(port and password, 0600). The server's own files are in its *home*, normally `home/` below that.
PostgreSQL refuses to run as root, so root lends the home to an unprivileged user; where that
user cannot come in, the home is a folder of its own under /var/tmp. Permissions of folders that
are not ours stay as they are.
"""

import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

SERVICE_USERS = ("postgres", "nobody")
NEVER_STARTED_PORT = 1


class ServerError(RuntimeError):
    """An embedded server cannot be started; the message says why and what to do."""


@dataclass(frozen=True)
class State:
    """What must be the same at the next start."""

    port: int = NEVER_STARTED_PORT
    password: str = "never-started"  # noqa: S105 -- a placeholder, real ones are random
    home: str = ""


@dataclass(frozen=True)
class Place:
    """The folder of one embedded server, its home and the user it runs as (None: ourselves)."""

    folder: Path
    home: Path
    user: pwd.struct_passwd | None

    @property
    def run_as(self) -> dict[str, Any]:
        """The arguments for subprocess that make a command run as the server's user, in its home."""
        identity: dict[str, Any] = {}
        if self.user:
            identity = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        return {"cwd": self.home, "env": _environment(self.home), **identity}

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def run(self, command: Sequence[str], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a short command as the server's user; raise ServerError with its words when it fails."""
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, **self.run_as)
        if done.returncode:
            msg = f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()}"
            raise ServerError(msg)
        return done

    def write(self, name: str, content: str) -> Path:
        """Write a private file into the home, as the server's user."""
        self.run(["/bin/sh", "-c", 'umask 077; cat > "$1"', "sh", name], stdin=content)
        return self.home / name

    def remember(self, **changes: object) -> None:
        save_state(self.folder, replace(load_state(self.folder), **changes))  # type: ignore[arg-type]


def make_folder(data_dir: Path, name: str) -> Path:
    """Create `DATA_DIR/<name>` if needed. Raises ServerError when it is not ours to write."""
    folder = data_dir / name
    try:
        for path in (data_dir, folder):
            if not path.exists():
                path.mkdir(parents=True, exist_ok=True)
                path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        if not os.access(folder, os.W_OK):
            raise PermissionError  # noqa: TRY301 -- one message for both
    except PermissionError:
        msg = f"{folder} cannot be written by this user: run as the user it belongs to, or set DATA_DIR."
        raise ServerError(msg) from None
    return folder


def find(folder: Path) -> Place:
    """Return the place of a server, choosing and creating its home at the first start."""
    user = _service_user()
    state = load_state(folder)
    if state.home and Path(state.home).is_dir():
        return Place(folder, Path(state.home), user)
    home = folder / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    if user:
        os.chown(home, user.pw_uid, user.pw_gid)
        if not _can_enter(user, home):
            home.rmdir()
            home = Path(tempfile.mkdtemp(prefix=f"cs-platform-{folder.name}-", dir="/var/tmp"))
            os.chown(home, user.pw_uid, user.pw_gid)
    save_state(folder, State(password=secrets.token_urlsafe(24), home=str(home)))
    return Place(folder, home, user)


def delete(folder: Path) -> None:
    """Delete a server's home and folder."""
    if home := load_state(folder).home:
        shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def load_state(folder: Path) -> State:
    """Return what the server's last start left, or the state of one that was never started."""
    try:
        return State(**json.loads((folder / "state.json").read_text()))
    except FileNotFoundError:
        return State()
    except PermissionError:
        msg = f"{folder / 'state.json'} cannot be read by this user: run as the user it belongs to, or set DATA_DIR."
        raise ServerError(msg) from None


def save_state(folder: Path, state: State) -> None:
    draft = folder / f"state.{os.getpid()}.draft"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(state)))
    draft.replace(folder / "state.json")


def free_port(preferred: int) -> int:
    """Return the preferred loopback port if it is free, else any free one."""
    if preferred != NEVER_STARTED_PORT and is_free("127.0.0.1", preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def can_execute(place: Place, binary: Path) -> bool:
    """Return whether the server's user can run a binary where it lies."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, check=False, **place.run_as)
    except OSError:
        return False
    return done.returncode == 0


def _service_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in SERVICE_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    msg = "PostgreSQL refuses to run as root and there is no user postgres or nobody: run as an ordinary user."
    raise ServerError(msg)


def _can_enter(user: pwd.struct_passwd, folder: Path) -> bool:
    done = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
        cwd="/",
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(home), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
