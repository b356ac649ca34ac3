"""Runs several programs as one: prefixed output, restarts with a growing pause, an orderly end.

One thread only, so that a child can be told to die with us between fork and exec.
"""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from cs_platform import env

POLL_SECONDS = 0.2
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # up for so long, a program counts as healthy again
STOP_SECONDS = 2.5  # for each stage of the end
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Program:
    """One child process. Programs of a lower stage are stopped first."""

    name: str
    command: list[str]
    stage: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0  # of the monotonic clock, as is start_at
    start_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    rest: bytes = b""  # of a line that is not complete yet


class Supervisor:
    def __init__(self, programs: Iterable[Program], *, write: Callable[[str], object]) -> None:
        self.programs = list(programs)
        self.write = write
        self.stopping = False
        self.selector = selectors.DefaultSelector()
        self.width = max(len(program.name) for program in self.programs)

    def run(self, each_round: Callable[[], None]) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP, calling each_round about five times a second; then stop all."""
        previous = {number: signal.signal(number, self._stop_soon) for number in (signal.SIGINT, signal.SIGTERM)}
        previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._stop_soon)
        try:
            while not self.stopping:
                self._start_due()
                self._forward(POLL_SECONDS)
                self._reap()
                each_round()
        finally:
            self.stop()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Stop stage after stage; what does not end in time is killed with all its children."""
        self.stopping = True
        for stage in sorted({program.stage for program in self.programs}):
            running = [program for program in self.programs if program.stage == stage and program.process]
            for program in running:
                assert program.process
                program.process.terminate()
            deadline = time.monotonic() + STOP_SECONDS
            while any(p.process and p.process.poll() is None for p in running) and time.monotonic() < deadline:
                self._forward(0.05)
            for program in running:
                self._kill_group(program)
            self._forward(0)
        for key in list(self.selector.get_map().values()):
            self.selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]
        self.selector.close()

    def _stop_soon(self, _number: int, _frame: object) -> None:
        self.stopping = True

    def _start_due(self) -> None:
        for program in self.programs:
            if program.process is None and time.monotonic() >= program.start_at:
                self._start(program)

    def _start(self, program: Program) -> None:
        program.process = subprocess.Popen(
            program.command,
            cwd=env.BASE_DIR,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end the others in order
            preexec_fn=_die_with_parent,  # noqa: PLW1509 -- one thread
        )
        program.started_at = time.monotonic()
        assert program.process.stdout
        os.set_blocking(program.process.stdout.fileno(), False)
        self.selector.register(program.process.stdout, selectors.EVENT_READ, program)

    def _forward(self, timeout: float) -> None:
        """Pass on what the programs wrote, line by line, each with its program's name."""
        for key, _ in self.selector.select(timeout):
            self._read(key.data, key.fileobj)  # type: ignore[arg-type]

    def _read(self, program: Program, pipe: IO[bytes]) -> None:
        try:
            chunk = os.read(pipe.fileno(), 65536)
        except BlockingIOError:
            return
        if not chunk:
            self.selector.unregister(pipe)
            pipe.close()
            chunk = b"\n" if program.rest else b""
        *lines, program.rest = (program.rest + chunk).split(b"\n")
        for line in lines:
            self.write(f"{program.name:{self.width}} | {line.decode(errors='replace')}\n")

    def _reap(self) -> None:
        for program in self.programs:
            if program.process is None or program.process.poll() is None:
                continue
            now, code = time.monotonic(), program.process.returncode
            if now - program.started_at > STEADY_SECONDS:
                program.pause = FIRST_PAUSE_SECONDS
            self._kill_group(program)
            self.write(f"{program.name:{self.width}} | ended with {code}; starts again in {program.pause:.0f} s\n")
            program.start_at, program.pause = now + program.pause, min(program.pause * 2, LONGEST_PAUSE_SECONDS)

    def _kill_group(self, program: Program) -> None:
        """Kill whatever is left of a program's processes."""
        assert program.process
        with suppress(ProcessLookupError, PermissionError):  # all gone; macOS says so with the second
            os.killpg(program.process.pid, signal.SIGKILL)
        program.process.wait()
        program.process = None


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
