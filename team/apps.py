from django.apps import AppConfig


class TeamConfig(AppConfig):
    name = "team"

    def ready(self) -> None:
        from team import receivers, system, work_handlers  # noqa: F401 -- they register what they hold
