"""Who was worked on near a date: saves turn a right alarm into a false one, so they are told apart.

Apps above register what else counts (a playbook that ran) in their `AppConfig.ready()`.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from accounts.enums import Initiative
from accounts.models import Activity
from team.enums import Function

INTERVENTION_DAYS = 30

# as_of, recorded_by → ids of the accounts in which somebody intervened near that day.
Source = Callable[[date, datetime], set[int]]
_sources: list[Source] = []


def register_interventions(source: Source) -> Source:
    _sources.append(source)
    return source


def treated_accounts(as_of: date, recorded_by: datetime) -> set[int]:
    """Return the accounts in which somebody intervened near a day, by any source."""
    return set().union(*(source(as_of, recorded_by) for source in _sources))


@register_interventions
def proactive_activities(as_of: date, recorded_by: datetime) -> set[int]:
    """An activity of customer success, in which we acted first, within INTERVENTION_DAYS of the day."""
    near, midnight = timedelta(days=INTERVENTION_DAYS), datetime.combine(as_of, time(), UTC)
    return set(
        Activity.objects.filter(
            function=Function.CSM,
            initiative=Initiative.PROACTIVE,
            occurred_at__gte=midnight - near,
            occurred_at__lt=midnight + near,
            received_at__lte=recorded_by,
        )
        .order_by()
        .values_list("account_id", flat=True)
    )
