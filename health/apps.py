from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "health"

    def ready(self) -> None:
        from health import references, score_fields, system, telling, work_handlers  # noqa: F401 -- need the models
        from health.metrics import condition_fields  # noqa: F401 -- needs the models
