"""Wiring of the project app."""

from django.apps import AppConfig


class CsPlatformConfig(AppConfig):
    name = "cs_platform"

    def ready(self) -> None:
        """Make our Celery application the one that `shared_task` binds to."""
        from cs_platform.celery import app

        app.set_default()
