"""The trigger keeps each account's newest activity, whatever the order and the way of writing."""

from datetime import timedelta

import pytest

from accounts.conditions import Moment, matching_ids
from accounts.models import Activity, LastActivity
from tests.conftest import NOW
from tests.factories import AccountFactory, ActivityFactory

pytestmark = pytest.mark.django_db


def days_ago(days):
    return NOW - timedelta(days=days)


def kept():
    return dict(LastActivity.objects.values_list("account__name", "occurred_at"))


def test_the_newest_activity_is_kept():
    one, two = AccountFactory(name="one"), AccountFactory(name="two")
    ActivityFactory(account=one, occurred_at=days_ago(3))
    ActivityFactory(account=one, occurred_at=days_ago(9))
    assert kept() == {"one": days_ago(3)}
    Activity.objects.bulk_create(
        [Activity(account=account, kind="call", occurred_at=days_ago(n)) for account in (one, two) for n in (5, 2)]
    )
    assert kept() == {"one": days_ago(2), "two": days_ago(2)}


def test_deleted_activities_do_not_count():
    account = AccountFactory(name="one")
    newer, older = (ActivityFactory(account=account, occurred_at=days_ago(n)) for n in (1, 4))
    Activity.objects.filter(pk=newer.pk).update(deleted_at=NOW)
    assert kept() == {"one": days_ago(4)}
    older.delete()
    assert kept() == {}
    Activity.all_objects.filter(pk=newer.pk).update(deleted_at=None)
    assert kept() == {"one": days_ago(1)}


def test_an_activity_dated_into_the_future_does_not_hide_the_last_one():
    account = AccountFactory()
    ActivityFactory(account=account, occurred_at=days_ago(40))
    ActivityFactory(account=account, occurred_at=days_ago(-7), received_at=NOW, known_at=NOW)
    long_ago = {"field": "last_activity", "op": "more_than_ago", "value": 30}
    assert matching_ids(long_ago, Moment.live(NOW)) == {account.pk}


def test_an_account_with_activities_can_be_deleted():
    account = ActivityFactory().account
    account.delete()
    assert kept() == {}
