"""One statement for many metrics gives what each of them gives alone, for any set of accounts."""

import math
from datetime import date, timedelta

import pytest
from django.db import connection

from accounts.services import join_account, record_sentiment, record_survey_response
from health.metrics.query import EVERYBODY, AccountSet, Query, columns_of, metric_sql
from health.metrics.registry import all_metrics, clean_use
from health.metrics.values import read_values
from tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    PersonaFactory,
    ProductFactory,
    SubscriptionFactory,
    TicketFactory,
    UserFactory,
)
from tests.health.metrics.reading import AS_OF, LATER
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db

REQUIRED = {"attribute": {"attribute": "sites"}}


@pytest.fixture
def book():
    """Three accounts with facts of every kind, and one with nothing."""
    product, persona, user = ProductFactory(), PersonaFactory(), UserFactory()
    for i in range(3):
        account, contact = AccountFactory(), ContactFactory()
        at = AS_OF - timedelta(days=20 * i + 5)
        join_account(contact=contact, account=account, role="champion", occurred_at=at, now=at)
        for back in range(3, 40, 3):
            use(account, date(2026, 6, 15) - timedelta(days=back + i), 7 + i, contact=contact, product=product)
        SubscriptionFactory(account=account, seats=10 + i, product=product, renews_on=date(2026, 8, 1 + i))
        TicketFactory(account=account, contact=contact, product=product, occurred_at=at)
        ActivityFactory(account=account, occurred_at=at, initiative="proactive")
        record_survey_response(account=account, kind="nps", score=7 + i, contact=contact, occurred_at=at, now=at)
        record_sentiment(account=account, user=user, level=1 + i, now=at)
    AccountFactory()
    return {"product": product.pk, "persona": persona.pk, "role": "champion"}


def every_use(scope):
    for metric in all_metrics():
        params = REQUIRED.get(metric.key, {})
        yield clean_use({"metric": metric.key, "params": params})
        for word in metric.scopes:
            yield clean_use({"metric": metric.key, "params": params, "scope": {word: scope[word]}})


def rows_of(values):
    """Return account → list of values, None for unknown."""
    return {
        int(pk): [None if math.isnan(v) else v for v in row]
        for pk, row in zip(values.account_ids, values.value, strict=True)
    }


def values_of(uses, accounts, *, live=True):
    return read_values(uses, accounts, as_of=AS_OF, recorded_by=LATER, live=live)


def test_all_metrics_together_give_what_each_gives_alone(book):
    uses = list(every_use(book))
    together = rows_of(values_of(uses, EVERYBODY))
    assert any(value is not None for row in together.values() for value in row)
    with connection.cursor() as cursor:
        for i, one in enumerate(uses):
            sql = f"SELECT id, value FROM ({metric_sql(one, live=True)}) m"
            cursor.execute(sql, {"as_of": AS_OF, "recorded_by": LATER})
            assert dict(cursor.fetchall()) == {pk: row[i] for pk, row in together.items()}, one


def test_some_accounts_get_what_they_get_among_all(book):
    uses = list(every_use(book))
    everybody = rows_of(values_of(uses, EVERYBODY))
    first, second, third, last = sorted(everybody)
    some = rows_of(values_of(uses, AccountSet(ids=(first, third))))
    assert some == {first: everybody[first], third: everybody[third]}
    between = rows_of(values_of(uses, AccountSet(first=second, last=last)))
    assert between == {pk: everybody[pk] for pk in (second, third, last)}
    assert rows_of(values_of(uses, AccountSet(ids=()))) == {}


def test_a_replay_of_everything_recorded_gives_the_live_values(book):
    uses = list(every_use(book))
    assert rows_of(values_of(uses, EVERYBODY, live=False)) == rows_of(values_of(uses, EVERYBODY))


def test_equal_uses_are_one_column(book):
    one = clean_use({"metric": "event_count"})
    values = values_of([one, one], EVERYBODY)
    assert (values.value[:3, 0] == values.value[:3, 1]).all()
    assert values.value.shape == (4, 2)


def test_metrics_over_one_relation_read_it_once():
    uses = [
        clean_use({"metric": key, "params": {"days": days}})
        for key in ("event_count", "active_days")
        for days in (7, 28)
    ] + [clean_use({"metric": "nps"}), clean_use({"metric": "csat"}), clean_use({"metric": "ces"})]
    query = Query(live=True)
    columns_of(query, uses)
    sql = query.statement(["1"])
    assert sql.count("FROM accounts_surveyresponse") == 1
    # One for the windows, one for the last day of usage.
    assert sql.count("FROM health_usageday") == 2


def test_a_deleted_account_is_left_out_unless_it_was_there(book):
    account = AccountFactory(deleted_at=AS_OF)
    uses = [clean_use({"metric": "event_count"})]
    assert account.pk not in rows_of(values_of(uses, EVERYBODY))
    before = read_values(uses, EVERYBODY, as_of=AS_OF, recorded_by=AS_OF - timedelta(seconds=1), live=False)
    assert account.pk in before.account_ids
