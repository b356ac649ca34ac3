"""The supervisor, with small programs of the shell."""

import subprocess
import sys
import time

import pytest

from cs_platform import env
from cs_platform.supervisor import Program, Supervisor

pytestmark = pytest.mark.live


def shell(name: str, script: str, **options: object) -> Program:
    return Program(name, ["/bin/sh", "-c", script], **options)


def run(programs: list[Program], *until: str, seconds: float = 20) -> str:
    """Run programs until the output contains all these texts; return all of it."""
    written: list[str] = []
    supervisor = Supervisor(programs, write=written.append)
    deadline = time.monotonic() + seconds

    def each_round() -> None:
        if all(text in "".join(written) for text in until) or time.monotonic() > deadline:
            supervisor.stopping = True

    supervisor.run(each_round)
    output = "".join(written)
    assert [text for text in until if text not in output] == []
    return output


def test_lines_carry_the_name_of_their_program():
    output = run(
        [shell("web", "printf 'one\\ntwo'; exec sleep 30"), shell("worker", "echo three; exec sleep 30")],
        "one",
        "three",
    )
    assert sorted(output.splitlines()) == ["web    | one", "web    | two", "worker | three"]


def test_a_crashed_program_starts_again(tmp_path):
    output = run(
        [shell("web", "echo up; exit 3", pause=0.1)],
        "web | up\nweb | ended with 3; starts again in 0 s\nweb | up",
    )
    assert output.startswith("web | up\nweb | ended with 3; starts again in 0 s\nweb | up\n")


def test_the_pause_doubles_while_a_program_keeps_crashing():
    program = shell("web", "exit 1", pause=0.1)
    run([program], "ended with 1; starts again in 1 s")
    assert program.pause >= 0.8


def test_programs_stop_stage_after_stage():
    farewell = "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.05; done"
    output = run([shell("worker", farewell, stage=1), shell("web", farewell)], "web    | up", "worker | up")
    assert [line for line in output.splitlines() if "bye" in line] == ["web    | bye", "worker | bye"]


def test_a_program_that_ignores_the_request_is_killed_with_its_children(monkeypatch, tmp_path):
    monkeypatch.setattr("cs_platform.supervisor.STOP_SECONDS", 0.3)
    beat = tmp_path / "beat"
    script = f"trap '' TERM; (while :; do date +%N > {beat}; sleep 0.05; done) & echo up; wait"
    started = time.monotonic()
    run([shell("web", script)], "web | up")
    assert time.monotonic() - started < 5
    last = beat.read_text()
    time.sleep(0.3)
    assert beat.read_text() == last


def test_a_program_dies_with_its_supervisor(tmp_path):
    beat = tmp_path / "beat"
    code = (
        "from cs_platform.supervisor import Program, Supervisor\n"
        f"script = 'while :; do date +%N > {beat}; sleep 0.05; done'\n"
        "import os, signal, time\n"
        "def each_round():\n"
        f"    if os.path.exists({str(beat)!r}): os.kill(os.getpid(), signal.SIGKILL)\n"
        "Supervisor([Program('web', ['/bin/sh', '-c', script])], write=print).run(each_round)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=env.BASE_DIR, check=False, timeout=20)
    time.sleep(0.3)
    last = beat.read_text()
    time.sleep(0.3)
    assert beat.read_text() == last
