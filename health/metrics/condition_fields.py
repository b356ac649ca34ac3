"""Conditions about metrics.

A metric in a condition is the metric of a scorecard: at a live moment both count the day that is
running, so that a segment and a measure never disagree. Both are frozen while their data has stopped.
"""

from collections.abc import Mapping
from typing import Any

from accounts.conditions import Field, FieldType, Moment, Param, Sql, register_field
from accounts.enums import ContactRole
from accounts.models import Persona, Product
from health.freezes import freezes_at
from health.metrics import families
from health.metrics.query import metric_sql
from health.metrics.registry import Metric, MetricUse, Parameter, all_metrics, clean_use, get_metric
from health.models import EventType

__all__ = ["families", "metric_field"]

# Accounts has fields for these, which read the account's row when asked about the present.
ELSEWHERE = {"arr", "attribute", "contacts", "days_to_renewal", "open_tickets", "seats"}

SCOPES = {
    "persona": Param("persona", "Persona", choices=lambda: _named(Persona)),
    "role": Param("role", "Role", choices=lambda: list(ContactRole.choices)),
    "product": Param("product", "Product", choices=lambda: _named(Product)),
}


def metric_field(metric: Metric) -> Field:
    """Return the field that asks for a metric; its parameters and scope are the field's parameters."""
    scopes = tuple(SCOPES[word] for word in ("persona", "role", "product") if word in metric.scopes)

    def source(params: Mapping[str, Any], moment: Moment) -> Sql:
        scope = {word: params[word] for word in metric.scopes if params.get(word) not in (None, "")}
        for word in ("persona", "product"):
            if word in scope:
                scope[word] = int(scope[word])
        given = {parameter.key: params.get(parameter.key) for parameter in metric.parameters}
        use = clean_use({"metric": metric.key, "params": given, "scope": scope})
        return with_freezes(use, moment)

    return Field(
        f"metric.{metric.key}",
        metric.label,
        FieldType.NUMBER,
        metric.family,
        source,
        params=(*(_param(parameter) for parameter in metric.parameters), *scopes),
        unit=metric.unit,
    )


def with_freezes(use: MetricUse, moment: Moment) -> Sql:
    """Return SQL for a metric; where its data stopped coming, as of then, so that no condition fires from it."""
    text = metric_sql(use, live=moment.is_live)
    until = moment.whole_days_until
    freezes = freezes_at(as_of=until, recorded_by=moment.recorded_by) if get_metric(use.metric).feeds else []
    parts, params, taken = [], {"until": until}, "false"
    # The earliest collapse counts.
    for freeze in reversed([freeze for freeze in freezes if freeze.holds(use)]):
        name = f"until_{freeze.incident_id}"
        params[name] = freeze.frozen_at
        held = f"id IN ({freeze.accounts().text})"
        then = text.replace("%(as_of)s", f"%({name})s")
        parts.append(f"SELECT id, value FROM ({then}) AS metric WHERE {held} AND NOT ({taken})")
        taken = f"{taken} OR {held}"
    now = text.replace("%(as_of)s", "%(until)s")
    parts.append(f"SELECT id, value FROM ({now}) AS metric" + (f" WHERE NOT ({taken})" if freezes else ""))
    return Sql(" UNION ALL ".join(parts), params)


def _param(parameter: Parameter) -> Param:
    if parameter.kind == "texts":
        return Param(parameter.key, parameter.label, is_texts=True, choices=_event_names)
    if parameter.kind == "choice":
        return Param(parameter.key, parameter.label, choices=lambda: list(parameter.choices.items()))
    assert isinstance(parameter.default, int)
    return Param(
        parameter.key,
        parameter.label,
        default=parameter.default,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        unit=parameter.unit,
    )


def _named(model: type[Persona | Product]) -> list[tuple[str, str]]:
    return [(str(row.pk), row.name) for row in model.objects.all()]


def _event_names() -> list[tuple[str, str]]:
    return [(name, name) for name in EventType.objects.order_by("name").values_list("name", flat=True).distinct()]


register_field(*(metric_field(metric) for metric in all_metrics() if metric.key not in ELSEWHERE))
