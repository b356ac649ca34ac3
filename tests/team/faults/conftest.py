"""Workers and schedulers on the test database, and a Redis that tests may kill."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from cs_platform.servers.engines import find_redis
from cs_platform.servers.place import free_port
from team.models import Work
from tests.live import LiveSite


class VictimRedis:
    """A Redis without persistence, so that a restart loses all it held."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(find_redis() / "redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen([*command, "--dir", str(self.folder)], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < until, "Redis does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def run(self, *command: str) -> None:
        with Redis.from_url(self.url) as client:
            client.execute_command(*command)

    def _answers(self) -> bool:
        with suppress(RedisConnectionError):
            self.run("PING")
            return True
        return False


class Crew:
    """Two workers, two schedulers and their Redis, with work that leaves rows in fault_effect."""

    def __init__(self, site: LiveSite, redis: VictimRedis) -> None:
        self.site, self.redis = site, redis
        for name in ("worker", "scheduler"):
            site.programs[f"{name}2"] = replace(site.programs[name], name=f"{name}2")
        site.environment |= {
            "DJANGO_SETTINGS_MODULE": "tests.team.faults.settings",
            "REDIS_URL": redis.url,
            "WORKER_PROCESSES": "2",
        }

    def freeze(self, name: str) -> None:
        os.killpg(self.site.processes[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        os.killpg(self.site.processes[name].pid, signal.SIGCONT)

    def wait_for(self, condition: Callable[[], object], *, seconds: float, what: str) -> None:
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise AssertionError(f"No {what} within {seconds} s.\n{self._logs()}")
            time.sleep(0.1)

    def _logs(self) -> str:
        left = Work.objects.exclude(state="done").values_list("kind", "state", "attempts", "error")
        logs = [f"--- {name}\n{self.site.log(name)[-3000:]}" for name in self.site.processes]
        return "\n".join([*map(str, left), *logs])


@pytest.fixture
def crew(live_site: LiveSite, tmp_path: Path) -> Iterator[Crew]:
    redis = VictimRedis(tmp_path)
    redis.start()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE fault_effect (n int, pid int); CREATE TABLE fault_lock (pid int)")
        cursor.execute("INSERT INTO fault_lock VALUES (0)")
    try:
        yield Crew(live_site, redis)
    finally:
        live_site.stop()
        redis.kill()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE fault_effect, fault_lock")
