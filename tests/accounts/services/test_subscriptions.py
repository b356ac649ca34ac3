from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.errors import InvalidInput
from accounts.models import ExchangeRate, Subscription, SubscriptionChange
from accounts.services import (
    delete_subscription,
    set_exchange_rate,
    upsert_subscription,
)
from accounts.services.subscriptions import refresh_what_the_day_changed
from tests.factories import AccountFactory, ProductFactory

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


def subscribe(account, **fields):
    return upsert_subscription(
        account=account,
        fields={"mrr": "100", "started_on": "2026-01-01", **fields},
        now=NOW,
        system="billing",
        external_id="s1",
    )[0]


def test_upsert_subscription_starts_with_all_terms():
    account = AccountFactory()
    product = ProductFactory()
    subscription = subscribe(
        account,
        product=product,
        seats=5,
        renews_on="2027-01-01",
        notice_on="2026-10-01",
    )
    account.refresh_from_db()
    change = SubscriptionChange.objects.get()
    assert (account.arr, account.renews_on) == (Decimal("1200.00"), date(2027, 1, 1))
    assert (subscription.product, change.seats, change.mrr) == (
        product,
        5,
        Decimal("100.00"),
    )
    assert change.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert list(account.events.values_list("kind", flat=True)) == ["subscription.started"]


def test_upsert_subscription_again_with_the_same_terms_changes_nothing():
    account = AccountFactory()
    subscribe(account)
    subscribe(account)
    assert SubscriptionChange.objects.count() == 1
    assert account.events.count() == 1


def test_upsert_subscription_out_of_order_keeps_the_newest_terms():
    account = AccountFactory()
    subscription = subscribe(account)
    for mrr, day in [("300", 100), ("200", 50)]:
        upsert_subscription(
            account=account,
            subscription=subscription,
            fields={"mrr": mrr},
            now=NOW,
            effective_at=datetime(2026, 1, 1, tzinfo=UTC) + day * DAY,
        )
    assert Subscription.objects.get().mrr == Decimal("300.00")
    history = SubscriptionChange.objects.order_by("occurred_at").values_list("mrr", flat=True)
    assert list(history) == [Decimal("100.00"), Decimal("200.00"), Decimal("300.00")]


def test_upsert_subscription_that_ends_leaves_no_revenue():
    account = AccountFactory()
    subscribe(account)
    subscribe(account, ended_on="2026-06-01")
    account.refresh_from_db()
    assert account.arr == Decimal(0)
    assert account.events.filter(kind="subscription.ended").count() == 1


def test_arr_without_an_exchange_rate_is_unknown():
    account = AccountFactory()
    subscribe(account, currency="eur")
    account.refresh_from_db()
    assert account.arr is None


def test_arr_uses_the_latest_exchange_rate_up_to_today():
    account = AccountFactory()
    for day, rate in [
        (date(2026, 1, 1), "1.10"),
        (date(2026, 6, 1), "1.20"),
        (date(2026, 7, 1), "9"),
    ]:
        set_exchange_rate(currency="EUR", on=day, rate=Decimal(rate))
    subscribe(account, currency="EUR")
    account.refresh_from_db()
    assert account.arr == Decimal("1440.00")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mrr": "lots"}, "not an amount"),
        ({"mrr": "NaN"}, "not an amount"),
        ({"mrr": "1e30"}, "not an amount"),
        ({"seats": -1}, "whole number"),
        ({"currency": "euro"}, "not a currency code"),
        ({"ended_on": "2025-01-01"}, "lies before started_on"),
        ({"product": "crm"}, "no product 'crm'"),
    ],
)
def test_upsert_subscription_refuses_bad_terms(fields, words):
    account = AccountFactory()
    with pytest.raises(InvalidInput, match=words):
        subscribe(account, **fields)
    assert not Subscription.objects.exists()


def test_terms_agreed_for_later_come_into_force_on_their_day():
    account = AccountFactory()
    subscription = subscribe(account)
    upsert_subscription(
        account=account, subscription=subscription, fields={"mrr": "300"}, now=NOW, effective_at=NOW + 10 * DAY
    )
    account.refresh_from_db()
    assert (Subscription.objects.get().mrr, account.arr) == (Decimal("100.00"), Decimal("1200.00"))
    assert refresh_what_the_day_changed(now=NOW + 9 * DAY) == 0
    assert refresh_what_the_day_changed(now=NOW + 10 * DAY) == 1
    assert refresh_what_the_day_changed(now=NOW + 10 * DAY) == 0
    account.refresh_from_db()
    assert (Subscription.objects.get().mrr, account.arr) == (Decimal("300.00"), Decimal("3600.00"))


def test_an_end_agreed_for_later_takes_the_revenue_on_its_day():
    account = AccountFactory()
    subscribe(account, ended_on="2026-06-20")
    account.refresh_from_db()
    assert account.arr == Decimal("1200.00")
    refresh_what_the_day_changed(now=datetime(2026, 6, 20, 0, 1, tzinfo=UTC), chunk=1)
    account.refresh_from_db()
    assert account.arr == Decimal(0)


def test_delete_subscription_takes_its_revenue_away():
    account = AccountFactory()
    subscription = subscribe(account)
    delete_subscription(subscription=subscription, now=NOW)
    account.refresh_from_db()
    assert account.arr is None
    assert Subscription.all_objects.get().deleted_at == NOW


def test_a_corrected_exchange_rate_holds_and_the_first_one_stays():
    day = date(2026, 6, 1)
    for rate, now in [("1.1", NOW), ("1.2", NOW + timedelta(days=1)), ("1.2", NOW + timedelta(days=2))]:
        set_exchange_rate(currency="EUR", on=day, rate=Decimal(rate), now=now)
    assert list(ExchangeRate.objects.order_by("received_at").values_list("rate", "received_at")) == [
        (Decimal("1.1"), NOW),
        (Decimal("1.2"), NOW + timedelta(days=1)),
    ]
    account = AccountFactory()
    upsert_subscription(account=account, fields={"mrr": 100, "currency": "EUR", "started_on": day}, now=NOW)
    account.refresh_from_db()
    assert account.arr == 1440
