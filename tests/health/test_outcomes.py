"""Who churned after a day, by what became known until today."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import SubscriptionChange
from accounts.models.subscriptions import TERMS
from health.metrics.query import AccountSet
from health.outcomes import ChurnRule, Outcome, churn_outcomes, history_end
from tests.conftest import NOW
from tests.factories import AccountFactory, SubscriptionFactory, TicketFactory
from tests.health.usage_rows import midnight, use

pytestmark = pytest.mark.django_db

AS_OF = date(2026, 1, 1)
LAPSE = ChurnRule("lapse", horizon_days=30, active_days=60)
ENDED = ChurnRule("subscription", horizon_days=30)


def days(count):
    return AS_OF + timedelta(days=count)


def outcomes(rule, **options):
    return churn_outcomes(rule, as_of=options.pop("as_of", AS_OF), recorded_by=NOW, **options)


def end(subscription, on, *, recorded_at=None):
    """Let a subscription end on a day, known from then on or later."""
    moment = recorded_at or midnight(on)
    terms = {name: getattr(subscription, name) for name in TERMS} | {"ended_on": on}
    SubscriptionChange.objects.create(
        subscription=subscription, occurred_at=midnight(on), received_at=moment, known_at=moment, **terms
    )
    return subscription


@pytest.fixture
def history():
    """Somebody else's usage until long after every horizon."""
    use(AccountFactory(), days(100))


@pytest.mark.parametrize(
    ("used_on", "outcome"),
    [
        ([-1], Outcome(True, days(30))),
        ([-60], Outcome(True, days(-29))),
        ([-1, 0], Outcome(churned=False)),
        ([-1, 29], Outcome(churned=False)),
        ([-1, 30], Outcome(True, days(30))),
        ([-61], None),
        ([0], None),
    ],
)
def test_lapse(history, used_on, outcome):
    account = AccountFactory()
    for count in used_on:
        use(account, days(count))
    assert outcomes(LAPSE).get(account.pk) == outcome


def test_lapse_with_lead_time_begins_later(history):
    stopped, returned = AccountFactory(), AccountFactory()
    for account, last in ((stopped, 5), (returned, 39)):
        use(account, days(-1))
        use(account, days(last))
    assert outcomes(ChurnRule("lapse", horizon_days=30, lead_days=10)) == {
        stopped.pk: Outcome(True, days(36)),
        returned.pk: Outcome(churned=False),
    }


def test_lapse_of_chosen_events_alone(history):
    account = AccountFactory()
    use(account, days(-1), name="Order placed")
    use(account, days(3), name="Order returned")
    assert outcomes(LAPSE)[account.pk] == Outcome(churned=False)
    placed = ChurnRule("lapse", horizon_days=30, active_days=60, events=("Order placed",))
    assert outcomes(placed) == {account.pk: Outcome(True, days(30))}


def test_usage_that_arrived_later_makes_nobody_eligible(history):
    late, backfilled = AccountFactory(), AccountFactory()
    use(late, days(-1), recorded_at=datetime(2026, 2, 1, tzinfo=UTC))
    use(backfilled, days(-1), recorded_at=datetime(2026, 2, 1, tzinfo=UTC), backfill=True)
    assert outcomes(LAPSE) == {backfilled.pk: Outcome(True, days(30))}


def test_lapse_is_unknown_where_history_ends_first():
    account = AccountFactory()
    use(account, days(-1))
    use(AccountFactory(), days(28))
    assert history_end(LAPSE, recorded_by=NOW) == days(28)
    assert outcomes(LAPSE) == {account.pk: Outcome(None)}
    use(AccountFactory(), days(29))
    assert outcomes(LAPSE)[account.pk] == Outcome(True, days(30))


def test_history_that_is_said_to_go_on_is_believed():
    account = AccountFactory()
    use(account, days(-1))
    rule = ChurnRule("lapse", horizon_days=30, complete_until=days(60))
    assert outcomes(rule) == {account.pk: Outcome(True, days(30))}


def test_the_day_that_is_running_is_not_over():
    account = AccountFactory()
    as_of = NOW.date() - timedelta(days=29)
    use(account, as_of - timedelta(days=1))
    use(AccountFactory(), NOW.date())
    assert outcomes(LAPSE, as_of=as_of) == {account.pk: Outcome(None)}
    before = as_of - timedelta(days=1)
    use(account, before - timedelta(days=1))
    assert outcomes(LAPSE, as_of=before) == {account.pk: Outcome(churned=False)}


def test_no_history_at_all():
    assert history_end(LAPSE, recorded_by=NOW) is None
    assert outcomes(LAPSE) == {}


@pytest.mark.parametrize(
    ("ended_after", "outcome"),
    [
        (None, Outcome(churned=False)),
        (0, None),
        (1, Outcome(True, days(1))),
        (30, Outcome(True, days(30))),
        (31, Outcome(churned=False)),
    ],
)
def test_subscription_end(history, ended_after, outcome):
    subscription = SubscriptionFactory()
    if ended_after is not None:
        end(subscription, days(ended_after))
    assert outcomes(ENDED).get(subscription.account_id) == outcome


def test_subscription_that_ends_within_the_lead_is_not_eligible(history):
    early = end(SubscriptionFactory(), days(10))
    late = end(SubscriptionFactory(), days(11))
    rule = ChurnRule("subscription", horizon_days=30, lead_days=10)
    assert outcomes(rule) == {late.account_id: Outcome(True, days(11))}
    assert early.account_id not in outcomes(rule)


@pytest.mark.parametrize(
    ("next_start", "outcome"),
    [(34, Outcome(churned=False)), (35, Outcome(True, days(20))), (5, Outcome(churned=False))],
)
def test_another_subscription_soon_after_is_a_renewal(history, next_start, outcome):
    first = end(SubscriptionFactory(), days(20))
    SubscriptionFactory(account=first.account, started_on=days(next_start))
    assert outcomes(ENDED) == {first.account_id: outcome}


def test_the_last_of_several_subscriptions_counts(history):
    first = end(SubscriptionFactory(), days(5))
    end(SubscriptionFactory(account=first.account), days(25))
    assert outcomes(ENDED) == {first.account_id: Outcome(True, days(25))}


def test_an_end_that_was_told_late_was_not_known_then_but_is_no_label(history):
    """It was scored as a customer, though it had gone: neither churned after as_of nor stayed."""
    subscription = end(SubscriptionFactory(), days(-5), recorded_at=midnight(days(40)))
    assert outcomes(ENDED) == {}
    end_known = end(SubscriptionFactory(), days(5), recorded_at=midnight(days(90)))
    assert outcomes(ENDED) == {end_known.account_id: Outcome(True, days(5))}
    assert subscription.account_id not in outcomes(ENDED)


def test_subscription_that_began_later_is_not_eligible(history):
    SubscriptionFactory(started_on=AS_OF)
    assert outcomes(ENDED) == {}


def test_subscription_is_unknown_where_history_ends_first():
    subscription = SubscriptionFactory()
    assert history_end(ENDED, recorded_by=NOW) == date(2025, 1, 1)
    assert outcomes(ENDED) == {subscription.account_id: Outcome(None)}
    TicketFactory(occurred_at=midnight(days(29)))
    assert history_end(ENDED, recorded_by=NOW) == days(29)
    assert outcomes(ENDED) == {subscription.account_id: Outcome(churned=False)}


def test_only_the_accounts_asked_for(history):
    mine, _other = SubscriptionFactory(), SubscriptionFactory()
    use(mine.account, days(-1))
    for rule in (ENDED, LAPSE):
        assert set(outcomes(rule, accounts=AccountSet(ids=(mine.account_id,)))) == {mine.account_id}


ANY = ChurnRule("any_subscription", horizon_days=30)


def test_any_subscription_that_ends(history):
    first = end(SubscriptionFactory(), days(5))
    SubscriptionFactory(account=first.account)
    assert outcomes(ANY) == {first.account_id: Outcome(True, days(5))}
    assert outcomes(ENDED) == {first.account_id: Outcome(churned=False)}


@pytest.mark.parametrize(("next_start", "churned"), [(-10, True), (-9, False), (19, False), (20, True)])
def test_any_subscription_replaced_by_one_of_its_product(history, next_start, churned):
    first = end(SubscriptionFactory(), days(5))
    SubscriptionFactory(account=first.account, started_on=days(next_start))
    assert outcomes(ANY)[first.account_id].churned is churned


def test_any_subscription_that_ends_outside_the_window(history):
    late, early = end(SubscriptionFactory(), days(31)), end(SubscriptionFactory(), days(0))
    assert outcomes(ANY) == {late.account_id: Outcome(churned=False)}
    assert early.account_id not in outcomes(ANY)
