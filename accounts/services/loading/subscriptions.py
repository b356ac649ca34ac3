"""New subscriptions, many at once, each with the changes of its terms so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.events import write_events
from accounts.models import Account, AccountEvent, Subscription, SubscriptionChange
from accounts.models.subscriptions import TERMS
from accounts.services.context import Context
from accounts.services.loading.batch import BATCH_SIZE, Batch
from accounts.services.subscriptions import check_end, clean_terms, refresh_terms
from team.models import User

Change = tuple[datetime, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class NewSubscription:
    """Fields as of `upsert_subscription`; `changes` are (from when, terms), in that order."""

    account: Account
    fields: dict[str, Any]
    effective_at: datetime | None = None
    changes: Sequence[Change] = ()
    system: str = ""
    external_id: str = ""


@transaction.atomic
def create_subscriptions(
    rows: Sequence[NewSubscription], *, now: datetime, backfill: bool = False, actor: User | None = None
) -> list[Subscription | InvalidInput | None]:
    """Create subscriptions and bring their accounts up to date; see the package for what is returned."""
    context = Context(now=now, backfill=backfill, actor=actor)
    histories: dict[int, list[SubscriptionChange]] = {}

    def build(row: NewSubscription) -> Subscription:
        subscription, history = _build(row, context)
        histories[id(subscription)] = history
        return subscription

    batch = Batch(Entity.SUBSCRIPTION, rows, build)
    batch.save()
    changes = [change for _, subscription in batch.made for change in histories[id(subscription)]]
    SubscriptionChange.objects.bulk_create(changes, batch_size=BATCH_SIZE)
    accounts = {row.account.pk: row.account for row, _ in batch.made}
    refresh_terms(list(accounts.values()), today=now.date())
    write_events(_events(changes, context))
    return batch.results


def _build(row: NewSubscription, context: Context) -> tuple[Subscription, list[SubscriptionChange]]:
    """Return an unsaved subscription with its latest terms, and all its terms. Raises InvalidInput."""
    fields = clean_terms(row.fields)
    started_on = fields.pop("started_on", None) or (row.effective_at or context.now).date()
    fields.setdefault("currency", settings.REPORTING_CURRENCY)
    check_end(started_on, fields.get("ended_on"))
    subscription = Subscription(account=row.account, started_on=started_on, **fields)
    at = row.effective_at or datetime.combine(started_on, time.min, UTC)
    history = [_change(subscription, at, context)]
    for moment, raw in row.changes:
        terms = clean_terms(raw)
        changed = {name: terms[name] for name in TERMS if name in terms and terms[name] != getattr(subscription, name)}
        check_end(started_on, changed.get("ended_on", subscription.ended_on))
        if moment < history[-1].occurred_at:
            raise InvalidInput("The changes of a subscription must be given in the order of their times.", "changes")
        if changed:
            for name, value in changed.items():
                setattr(subscription, name, value)
            history.append(_change(subscription, moment, context))
    return subscription, history


def _change(subscription: Subscription, at: datetime, context: Context) -> SubscriptionChange:
    terms = {name: getattr(subscription, name) for name in TERMS}
    return SubscriptionChange(subscription=subscription, **terms, **context.times(at))


def _events(changes: Sequence[SubscriptionChange], context: Context) -> list[AccountEvent]:
    events = []
    before: SubscriptionChange | None = None
    for change in changes:
        is_first = before is None or before.subscription is not change.subscription
        kind = "subscription.started" if is_first else "subscription.changed"
        if not is_first and change.ended_on and before is not None and change.ended_on != before.ended_on:
            kind = "subscription.ended"
        payload: dict[str, object] = {"subscription_id": change.subscription.pk}
        events.append(context.event(change.subscription.account_id, kind, change.occurred_at, payload))
        before = change
    return events
