from django.apps import AppConfig


class TeamConfig(AppConfig):
    name = "team"

    def ready(self) -> None:
        from team import receivers, work_handlers  # noqa: F401 -- registers its handlers
