"""The work that this room does by itself."""

from django.utils import timezone

from health.usage import held, partitions, quarantine
from team import work


@work.handler("health.make_partitions")
def make_partitions(payload: work.Payload) -> None:
    partitions.ensure_coming_partitions(timezone.now())


@work.handler("health.forget_old_usage", atomic=False)
def forget_old_usage(payload: work.Payload) -> None:
    now = timezone.now()
    partitions.drop_old_partitions(now)
    held.forget_held(now)
    quarantine.forget_rejected(now)


@work.handler("health.release_held_events", atomic=False)
def release_held_events(payload: work.Payload) -> None:
    held.release_joined()
