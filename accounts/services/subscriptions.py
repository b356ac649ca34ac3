"""Subscriptions: all terms from a time on, the current ones projected, ARR and renewal per account."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import (
    Account,
    ExchangeRate,
    Product,
    Subscription,
    SubscriptionChange,
)
from accounts.models.subscriptions import TERMS
from accounts.services.context import Context
from accounts.services.external_ids import (
    find_by_external_id,
    give_external_id,
    lock_external_id,
)
from accounts.services.fields import (
    clean_count,
    clean_date,
    clean_money,
    clean_text,
    refuse_unknown,
)
from team.models import User

FIELDS = {*TERMS, "product", "started_on"}
MONTHS_PER_YEAR = 12


@transaction.atomic
def upsert_subscription(
    *,
    account: Account,
    fields: dict[str, Any],
    now: datetime,
    effective_at: datetime | None = None,
    subscription: Subscription | None = None,
    system: str = "",
    external_id: str = "",
    backfill: bool = False,
    actor: User | None = None,
) -> tuple[Subscription, bool]:
    """Create a subscription or change its terms from `effective_at` on (default: start, else now).

    Found by `subscription`, else by external id; without either it is new. Terms left out stay as they
    were at that time. Changes may arrive out of order. Returns (subscription, whether it is new).
    Raises InvalidInput.
    """
    cleaned = clean_terms(fields)
    context = Context(now=now, backfill=backfill, actor=actor)
    if external_id:
        lock_external_id(Entity.SUBSCRIPTION, system, external_id)
    if subscription is None and external_id:
        pk = find_by_external_id(Entity.SUBSCRIPTION, system, external_id)
        subscription = Subscription.all_objects.filter(pk=pk).first() if pk else None
    if subscription is None:
        subscription = _start(account, cleaned, effective_at=effective_at, context=context)
        if external_id:
            give_external_id(entity=Entity.SUBSCRIPTION, system=system, value=external_id, object_id=subscription.pk)
        return subscription, True
    subscription = Subscription.all_objects.select_for_update().get(pk=subscription.pk)
    _amend(subscription, cleaned, effective_at=effective_at, context=context)
    return subscription, False


@transaction.atomic
def delete_subscription(*, subscription: Subscription, now: datetime, actor: User | None = None) -> None:
    """Leave a tombstone, for a subscription that never should have been there; ended ones have ended_on."""
    if Subscription.objects.filter(pk=subscription.pk).update(deleted_at=now):
        refresh_account_terms(subscription.account, today=now.date())
        context = Context(now=now, actor=actor)
        context.tell(subscription.account_id, "subscription.deleted", now, {"subscription_id": subscription.pk})


@transaction.atomic
def set_exchange_rate(*, currency: str, on: date, rate: Decimal, now: datetime | None = None) -> ExchangeRate:
    """Set what one unit of a currency is worth in the reporting currency from a day on.

    A rate that was told before stays as it was told, for whoever replays the past.
    """
    currency = _currency(currency)
    if currency == settings.REPORTING_CURRENCY:
        msg = f"{currency} is the reporting currency; its rate is always 1."
        raise InvalidInput(msg, "currency")
    if rate <= 0:
        msg = "An exchange rate must be above 0."
        raise InvalidInput(msg, "rate")
    newest = ExchangeRate.objects.filter(currency=currency, on=on).order_by("-received_at").first()
    if newest is not None and newest.rate == rate:
        return newest
    return ExchangeRate.objects.create(currency=currency, on=on, rate=rate, received_at=now or timezone.now())


def refresh_account_terms(account: Account, *, today: date) -> None:
    """Project the sum of running subscriptions onto the account; a missing rate makes ARR unknown."""
    refresh_terms([account], today=today)


def refresh_terms(accounts: Sequence[Account], *, today: date) -> None:
    """Do so for many accounts in a few statements."""
    of_account: dict[int, list[Subscription]] = {account.pk: [] for account in accounts}
    for subscription in Subscription.objects.filter(account__in=of_account):
        of_account[subscription.account_id].append(subscription)
    currencies = {s.currency for rows in of_account.values() for s in rows} - {settings.REPORTING_CURRENCY}
    rates = _rates(currencies, today)
    terms = {pk: _current_terms(rows, rates, today) for pk, rows in of_account.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_account AS old SET arr = new.arr, renews_on = new.renews_on"
            " FROM unnest(%s::bigint[], %s::numeric[], %s::date[]) AS new (id, arr, renews_on)"
            " WHERE old.id = new.id AND (old.arr, old.renews_on) IS DISTINCT FROM (new.arr, new.renews_on)",
            [list(terms), [arr for arr, _ in terms.values()], [renews_on for _, renews_on in terms.values()]],
        )
    for account in accounts:
        account.arr, account.renews_on = terms[account.pk]


def refresh_what_the_day_changed(*, now: datetime, chunk: int = 1000) -> int:
    """Project changes that have come into force, starts, ends and new rates onto subscriptions and accounts.

    Returns how many subscriptions took over terms that were agreed for later. Safe to repeat.
    """
    columns = ", ".join(TERMS)
    newest = ", ".join(f"newest.{name}" for name in TERMS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE accounts_subscription AS old SET ({columns}) = ROW({newest})"  # noqa: S608 -- our own columns
            f" FROM (SELECT DISTINCT ON (subscription_id) subscription_id, {columns} FROM accounts_subscriptionchange"
            "  WHERE occurred_at <= %s ORDER BY subscription_id, occurred_at DESC, id DESC) AS newest"
            " WHERE old.id = newest.subscription_id"
            f" AND ({', '.join(f'old.{name}' for name in TERMS)}) IS DISTINCT FROM ({newest})",
            [now],
        )
        count = int(cursor.rowcount)
    keys = list(Subscription.objects.order_by("account").values_list("account", flat=True).distinct())
    for start in range(0, len(keys), chunk):
        refresh_terms(list(Account.objects.filter(pk__in=keys[start : start + chunk])), today=now.date())
    return count


def _current_terms(
    subscriptions: Iterable[Subscription], rates: dict[str, Decimal], today: date
) -> tuple[Decimal | None, date | None]:
    """Return (ARR in the reporting currency, next renewal); ARR is None when it cannot be known."""
    subscriptions = list(subscriptions)
    running = [s for s in subscriptions if s.started_on <= today and (s.ended_on is None or s.ended_on > today)]
    amounts = [_in_reporting_currency(s.mrr, s.currency, rates) for s in running]
    known = [amount for amount in amounts if amount is not None]
    arr = sum(known, Decimal(0)) * MONTHS_PER_YEAR if subscriptions and len(known) == len(amounts) else None
    return arr, min((s.renews_on for s in running if s.renews_on), default=None)


def _rates(currencies: set[str], on: date) -> dict[str, Decimal]:
    """Return the rates that hold on a day; a currency without one is left out."""
    if not currencies:
        return {}
    rows = ExchangeRate.objects.filter(currency__in=currencies, on__lte=on).order_by("currency", "-on", "-received_at")
    return {row.currency: row.rate for row in rows.distinct("currency")}


def _in_reporting_currency(amount: Decimal | None, currency: str, rates: dict[str, Decimal]) -> Decimal | None:
    if amount is None or currency == settings.REPORTING_CURRENCY:
        return amount
    rate = rates.get(currency)
    return None if rate is None else (amount * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _start(
    account: Account,
    cleaned: dict[str, Any],
    *,
    effective_at: datetime | None,
    context: Context,
) -> Subscription:
    started_on = cleaned.pop("started_on", None) or (effective_at or context.now).date()
    cleaned.setdefault("currency", settings.REPORTING_CURRENCY)
    check_end(started_on, cleaned.get("ended_on"))
    at = effective_at or datetime.combine(started_on, time.min, UTC)
    subscription = Subscription.objects.create(account=account, started_on=started_on, **cleaned)
    SubscriptionChange.objects.create(
        subscription=subscription,
        **{name: getattr(subscription, name) for name in TERMS},
        **context.times(at),
    )
    refresh_account_terms(account, today=context.now.date())
    context.tell(account.pk, "subscription.started", at, {"subscription_id": subscription.pk})
    return subscription


def _amend(
    subscription: Subscription,
    cleaned: dict[str, Any],
    *,
    effective_at: datetime | None,
    context: Context,
) -> None:
    at = effective_at or context.now
    before = (
        subscription.changes.filter(occurred_at__lte=at).order_by("-occurred_at", "-id").first()
        or subscription.changes.order_by("occurred_at", "id").first()
    )
    terms = {name: getattr(before or subscription, name) for name in TERMS}
    changed = {name: value for name, value in cleaned.items() if name in TERMS and terms[name] != value}
    check_end(
        cleaned.get("started_on") or subscription.started_on,
        changed.get("ended_on", terms["ended_on"]),
    )
    revived = subscription.deleted_at is not None
    for name in {"product", "started_on"} & cleaned.keys():
        setattr(subscription, name, cleaned[name])
    subscription.deleted_at = None
    subscription.save()
    if changed:
        SubscriptionChange.objects.create(
            subscription=subscription,
            **(terms | changed),
            **context.times(at),
        )
        _project(subscription, now=context.now)
        kind = "subscription.ended" if changed.get("ended_on") else "subscription.changed"
        context.tell(subscription.account_id, kind, at, {"subscription_id": subscription.pk})
    if changed or revived:
        refresh_account_terms(subscription.account, today=context.now.date())


def _project(subscription: Subscription, *, now: datetime) -> None:
    """Bring the row up to the newest change that has come into force."""
    newest = subscription.changes.filter(occurred_at__lte=now).order_by("-occurred_at", "-id").first()
    if newest is not None:
        for name in TERMS:
            setattr(subscription, name, getattr(newest, name))
        subscription.save(update_fields=TERMS)


def clean_terms(fields: dict[str, Any]) -> dict[str, Any]:
    refuse_unknown(fields, FIELDS)
    cleaned: dict[str, Any] = {}
    for name in {"started_on", "renews_on", "notice_on", "ended_on"} & fields.keys():
        cleaned[name] = clean_date(fields[name], name)
    if "plan" in fields:
        cleaned["plan"] = clean_text(fields["plan"], "plan", limit=100)
    if "mrr" in fields:
        cleaned["mrr"] = clean_money(fields["mrr"], "mrr")
    if "currency" in fields:
        cleaned["currency"] = _currency(fields["currency"])
    if "seats" in fields:
        cleaned["seats"] = clean_count(fields["seats"], "seats")
    if "product" in fields:
        cleaned["product"] = fields["product"]
        if not isinstance(fields["product"], Product | None):
            msg = f"There is no product {fields['product']!r}."
            raise InvalidInput(msg, "product")
    if "started_on" in cleaned and cleaned["started_on"] is None:
        del cleaned["started_on"]
    return cleaned


def _currency(value: object) -> str:
    code = str(value or "").strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        msg = f"currency: {value!r} is not a currency code like EUR."
        raise InvalidInput(msg, "currency")
    return code


def check_end(started_on: date, ended_on: date | None) -> None:
    if ended_on is not None and ended_on < started_on:
        msg = f"ended_on {ended_on} lies before started_on {started_on}."
        raise InvalidInput(msg, "ended_on")
