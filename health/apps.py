from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "health"

    def ready(self) -> None:
        from health import (  # noqa: F401 -- need the models
            alert_consequences,
            attention,
            references,
            score_fields,
            system,
            telling,
            work_handlers,
        )
        from health.metrics import condition_fields  # noqa: F401 -- needs the models
