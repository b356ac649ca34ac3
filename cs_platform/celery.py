"""The Celery application: it wakes workers, PostgreSQL holds what is due."""

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_platform.settings")

app = Celery("cs_platform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_init.connect
def _watch_worker(**_: Any) -> None:
    from team.watchdog import watch_worker  # needs Django's apps, which the worker has loaded by now

    watch_worker()
