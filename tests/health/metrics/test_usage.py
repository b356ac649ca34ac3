"""Metrics over usage, as of 16 June 2026 (15 June is the last day that counts)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.services import join_account, pin_persona
from tests.factories import (
    AccountFactory,
    ContactFactory,
    MembershipFactory,
    PersonaFactory,
    ProductFactory,
    SubscriptionFactory,
)
from tests.health.metrics.reading import AS_OF, read, value_of
from tests.health.usage_rows import midnight, use

pytestmark = pytest.mark.django_db

LAST = date(2026, 6, 15)


def ago(days):
    return LAST - timedelta(days=days)


@pytest.fixture
def account():
    return AccountFactory()


def test_event_count_counts_whole_days_up_to_as_of(account):
    use(account, ago(-1), 1000)
    use(account, ago(0), 1)
    use(account, ago(27), 10)
    use(account, ago(28), 100)
    assert value_of("event_count", account) == 11
    assert value_of("event_count", account, days=29) == 111
    assert value_of("event_count", account, days=1) == 1


def test_event_count_is_unknown_without_usage_and_zero_when_it_stopped(account):
    assert read("event_count", account) == (None, None)
    use(AccountFactory(), ago(0))
    assert read("event_count", account) == (None, None)
    use(account, ago(200))
    assert read("event_count", account) == (0, midnight(ago(199)))
    other = AccountFactory()
    use(other, ago(400))
    assert value_of("event_count", other) is None


def test_event_count_of_named_events_and_of_a_product(account):
    product = ProductFactory()
    use(account, ago(1), 2, name="it's 100% done")
    use(account, ago(1), 3, name="exported")
    use(account, ago(1), 5, name="exported", product=product)
    assert value_of("event_count", account, events=["it's 100% done"]) == 2
    assert value_of("event_count", account, events=["exported"]) == 8
    assert value_of("event_count", account, scope={"product": product.pk}) == 5
    assert value_of("event_count", account, events=["exported"], scope={"product": product.pk}) == 5
    assert value_of("event_count", account, events=["never heard of"]) == 0


def test_event_value_sums_what_events_were_worth(account):
    use(account, ago(1), 2, name="order", value=30.5)
    use(account, ago(40), 1, name="order", value=1000)
    assert value_of("event_value", account, events=["order"]) == 30.5


def test_freshness_is_the_end_of_the_last_day_of_usage(account):
    use(account, ago(10))
    assert read("active_days", account) == (1, midnight(ago(9)))
    use(account, ago(0))
    assert read("active_days", account) == (2, AS_OF)


def test_active_contacts_counts_people_once_and_nobody_never(account):
    anna, ben = ContactFactory(), ContactFactory()
    use(account, ago(1), 5, contact=anna)
    use(account, ago(3), 5, contact=anna, name="exported")
    use(account, ago(10), 1, contact=ben)
    use(account, ago(2), 7)
    assert value_of("active_contacts", account, days=7) == 1
    assert value_of("active_contacts", account, days=28) == 2
    assert value_of("active_contacts", account, days=28, events=["exported"]) == 1


def test_active_contacts_in_scope_are_those_who_were_in_it_as_of_then(account):
    anna, ben = ContactFactory(), ContactFactory()
    for contact in (anna, ben):
        use(account, ago(20), contact=contact)
    elsewhere = AccountFactory()
    MembershipFactory(account=account, contact=anna, role="champion", occurred_at=midnight(ago(100)))
    MembershipFactory(account=elsewhere, contact=ben, role="champion", occurred_at=midnight(ago(100)))
    assert value_of("active_contacts", account, scope={"role": "champion"}) == 1
    # Ben becomes the champion here today: as of a week ago he was not.
    join_account(contact=ben, account=account, role="champion", occurred_at=midnight(LAST), now=midnight(LAST))
    assert value_of("active_contacts", account, scope={"role": "champion"}) == 2
    assert value_of("active_contacts", account, as_of=midnight(ago(7)), scope={"role": "champion"}) == 1


def test_active_contacts_of_a_persona_follow_its_history(account):
    admins, users = PersonaFactory(), PersonaFactory()
    anna = ContactFactory()
    MembershipFactory(account=account, contact=anna, occurred_at=midnight(ago(100)))
    use(account, ago(20), contact=anna)
    pin_persona(contact=anna, persona=admins, occurred_at=midnight(ago(50)), now=midnight(ago(50)))
    pin_persona(contact=anna, persona=users, occurred_at=midnight(ago(5)), now=midnight(ago(5)))
    assert value_of("active_contacts", account, scope={"persona": admins.pk}) == 0
    assert value_of("active_contacts", account, scope={"persona": users.pk}) == 1
    assert value_of("active_contacts", account, as_of=midnight(ago(10)), scope={"persona": admins.pk}) == 1
    scope = {"persona": users.pk, "role": "end_user"}
    assert value_of("event_count", account, scope=scope) == 1


def test_seats_used_is_unknown_without_seats(account):
    for _ in range(3):
        use(account, ago(1), contact=ContactFactory())
    assert value_of("seats_used", account) is None
    SubscriptionFactory(account=account, seats=10)
    SubscriptionFactory(account=account, seats=2)
    assert value_of("seats_used", account) == 25


@pytest.mark.parametrize(
    ("days", "expected"), [(1, 1), (7, 2), (63, 3), (64, 4), (65, 5), (128, 6), (129, 7), (400, 8)]
)
def test_active_days_counts_days_over_the_width_of_a_word(account, days, expected):
    for back in (0, 6, 62, 63, 64, 127, 128, 399):
        use(account, ago(back), 3)
        use(account, ago(back), 2, name="exported")
    assert value_of("active_days", account, days=days) == expected


def test_feature_breadth_counts_kinds_of_events(account):
    use(account, ago(1), 9)
    use(account, ago(2), 9)
    use(account, ago(2), name="exported")
    use(account, ago(60), name="printed")
    assert value_of("feature_breadth", account) == 2
    assert value_of("feature_breadth", account, days=90) == 3


@pytest.mark.parametrize(
    ("before", "recent", "expected"), [(20, 30, 50), (20, 0, -100), (40, 30, -25), (19, 500, None), (0, 5, None)]
)
def test_usage_trend_is_unknown_over_a_tiny_baseline(account, before, recent, expected):
    use(account, ago(100))
    if before:
        use(account, ago(28), before)
    if recent:
        use(account, ago(27), recent)
    assert value_of("usage_trend", account) == expected


def test_usage_trend_minimum_is_a_parameter(account):
    use(account, ago(10), 4)
    use(account, ago(0), 8)
    assert value_of("usage_trend", account, days=7, minimum=4) == 100
    assert value_of("usage_trend", account, days=7, minimum=5) is None


def test_days_since_event(account):
    assert value_of("days_since_event", account) is None
    use(account, ago(30), name="exported")
    use(account, ago(0))
    assert value_of("days_since_event", account) == 0
    assert value_of("days_since_event", account, events=["exported"]) == 30
    assert value_of("days_since_event", account, events=["printed"]) is None


def test_usage_that_arrived_later_is_not_known_before(account):
    use(account, ago(5), 10)
    use(account, ago(5), 100, recorded_at=midnight(ago(2)))
    use(account, ago(5), 1000, recorded_at=midnight(ago(1)), backfill=True)
    # As of three days ago the late events were not there; the backfill counts as known when it happened.
    assert value_of("event_count", account, as_of=midnight(ago(3))) == 1010
    assert value_of("event_count", account) == 1110


def test_usage_recorded_after_a_snapshot_is_not_replayed(account):
    noon = datetime(2026, 6, 15, 12, tzinfo=UTC)
    use(account, ago(5), 10)
    use(account, ago(0), 3, recorded_at=noon - timedelta(minutes=1))
    use(account, ago(0), 50, recorded_at=noon + timedelta(minutes=1))
    use(account, ago(5), 500, recorded_at=noon + timedelta(minutes=1), backfill=True)
    use(account, ago(1), 5000, recorded_at=noon + timedelta(days=1))
    use(account, ago(3), 70, recorded_at=noon - timedelta(minutes=5), value=7, contact=ContactFactory())
    replay = {"recorded_by": noon, "live": False}
    assert value_of("event_count", account, **replay) == 83
    assert value_of("event_value", account, **replay) == 7
    assert value_of("active_contacts", account, **replay) == 1
    assert value_of("event_count", account, recorded_by=noon + timedelta(hours=2), live=False) == 633
