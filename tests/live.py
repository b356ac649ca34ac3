"""Real web, worker and scheduler processes on the test database, for tests marked `live`.

    @pytest.mark.live
    def test_something(live_site):
        live_site.start("web", "worker")
        requests.post(f"{live_site.url}/v1/batch", ...)
        live_site.kill("worker")

The fixture asks for `transactional_db`: what the test commits is what the processes see.
"""

import os
import signal
import subprocess
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from django.conf import settings

from cs_platform import env
from cs_platform.management.commands.run import programs
from cs_platform.servers.place import free_port

START_SECONDS = 30
STOP_SECONDS = 15


class LiveSite:
    """The product's processes, each started and killed by name."""

    def __init__(self, log_folder: Path, *, database_url: str) -> None:
        self.port = free_port(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_folder = log_folder
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "cs_platform.settings",
            "DATABASE_URL": database_url,
            "REDIS_URL": settings.REDIS_URL,
            "PORT": str(self.port),
            "WEB_WORKERS": "1",
            "WORKER_PROCESSES": "1",
        }
        self.programs = {program.name: program for program in programs()}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start programs by name (web, worker, scheduler); web answers when this returns."""
        for name in names:
            program = self.programs[name]
            with (self.log_folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    program.command,
                    cwd=env.BASE_DIR,
                    env={**os.environ, **program.environment, **self.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        if "web" in names:
            self._wait_for_web()

    def kill(self, name: str) -> None:
        """Kill a program and all its children, as a power cut would."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Ask every program to end; kill what does not."""
        for process in self.processes.values():
            process.terminate()
        for name, process in list(self.processes.items()):
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill(name)
        self.processes.clear()

    def log(self, name: str) -> str:
        return (self.log_folder / f"{name}.log").read_text(errors="replace")

    def _wait_for_web(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.processes["web"].poll() is None:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                connection.request("GET", "/livez")
                connection.getresponse().read()
            except (OSError, HTTPException):
                time.sleep(0.1)
            else:
                return
            finally:
                connection.close()
        raise AssertionError(f"web does not answer:\n{self.log('web')}")
