"""Telling workers through Celery that something waits. A message is a hint: rows hold the work.

Messages leave from a thread of their own, so that a Redis that is down, slow or silent neither fails
nor delays whoever wrote the row. A mark in the cache keeps them few: at most one is under way for
MARK_SECONDS, and whoever takes it removes the mark before looking for rows.
"""

import logging
import os
import threading

from celery import current_app
from django.core.cache import cache

logger = logging.getLogger(__name__)

MARK_SECONDS = 2
PAUSE_SECONDS = 5.0


class Waker:
    """Sends one kind of wake-up, by the name of its Celery task."""

    def __init__(self, task_name: str) -> None:
        self.task_name = task_name
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._pid = 0

    def __call__(self) -> None:
        """Ask for a worker and return at once."""
        self._asked.set()
        if self._pid != os.getpid():  # a thread does not survive a fork
            self._start_thread()

    def send(self) -> bool:
        """Send the message now. False when Redis cannot be reached; it waits for a few seconds then."""
        try:
            if cache.add(self._mark, 1, MARK_SECONDS):
                current_app.send_task(self.task_name, ignore_result=True, retry=False)
        except Exception as error:  # noqa: BLE001 -- whatever the broker's client raises, the row is safe
            logger.debug("No wake-up for %s: %s", self.task_name, error)
            cache.delete(self._mark)
            return False
        return True

    def heard(self) -> None:
        """Take the mark away; a worker calls this before it looks for rows."""
        cache.delete(self._mark)

    @property
    def _mark(self) -> str:
        return f"woken:{self.task_name}"

    def _start_thread(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            threading.Thread(target=self._run, name=f"wake {self.task_name}", daemon=True).start()

    def _run(self) -> None:
        was_sent = True
        pause = threading.Event()
        while True:
            self._asked.wait()
            self._asked.clear()
            is_sent = self.send()
            if was_sent and not is_sent:
                logger.warning("Redis cannot be reached; work waits for the scheduler.")
            was_sent = is_sent
            if not is_sent:
                pause.wait(PAUSE_SECONDS)
                self._asked.set()
