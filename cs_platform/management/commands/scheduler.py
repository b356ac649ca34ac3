"""Run the scheduler until it is stopped."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from cs_platform.scheduler import run_forever


class Command(BaseCommand):
    help = "Makes scheduled work due and wakes workers. Any number of schedulers may run."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(name, lambda *_: stop.set())
        run_forever(stop)
