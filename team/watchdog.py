"""Ends a worker that has gone deaf: work is due, Redis answers, this worker is idle and hears nothing.

Celery's consumer can stop listening after Redis was away, without a word (celery issues 8030, 9054,
10302). Whoever supervises the worker starts it again.
"""

import logging
import os
import signal
import threading
import time
from dataclasses import dataclass

from celery import signals
from celery.worker import state
from django.conf import settings
from django.db import Error, connection
from redis import Redis, RedisError

from team import work

logger = logging.getLogger(__name__)

CHECK_SECONDS = 10.0
DEAF_SECONDS = 60.0
END_SECONDS = 15.0


@dataclass(frozen=True)
class Hearing:
    """What the watchdog knows: seconds since the last message, and since the oldest due work became due."""

    silent_seconds: float
    due_seconds: float
    is_busy: bool
    redis_answers: bool

    @property
    def is_deaf(self) -> bool:
        waited = min(self.silent_seconds, self.due_seconds)
        return waited > DEAF_SECONDS and not self.is_busy and self.redis_answers


class Watchdog:
    def __init__(self) -> None:
        self.heard_at = time.monotonic()

    def note_message(self, **_: object) -> None:
        self.heard_at = time.monotonic()

    def start(self, **_: object) -> None:
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()
        work.wake_workers()

    def hearing(self) -> Hearing:
        return Hearing(
            silent_seconds=time.monotonic() - self.heard_at,
            due_seconds=work.oldest_due_seconds(),
            is_busy=bool(state.active_requests),
            redis_answers=_redis_answers(),
        )

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(CHECK_SECONDS):
            try:
                is_deaf = self.hearing().is_deaf
            except Error:
                is_deaf = False
            finally:
                connection.close()
            if is_deaf:
                logger.critical("This worker hears nothing although work is due; it ends to be started again.")
                os.kill(os.getpid(), signal.SIGQUIT)
                pause.wait(END_SECONDS)
                os._exit(1)


watchdog = Watchdog()


def watch_worker() -> None:
    """Give every worker of this program a watchdog, and something to hear when it starts."""
    signals.worker_ready.connect(watchdog.start, weak=False)
    signals.task_received.connect(watchdog.note_message, weak=False)


def _redis_answers() -> bool:
    client = Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()
