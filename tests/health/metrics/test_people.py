"""Metrics over people: they follow the rules of health/people.py, whoever joined, used or met when."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import delete_contact, edit_activity, join_account, leave_account, record_activity
from health.people_report import people_report
from tests.factories import AccountFactory, ContactFactory, UserFactory
from tests.health.metrics.reading import AS_OF, read, value_of
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


def ago(days):
    return AS_OF - timedelta(days=days)


def join(account, role, *, days=200, name=None):
    contact = ContactFactory(**({"name": name} if name else {}))
    join_account(contact=contact, account=account, role=role, occurred_at=ago(days), now=ago(days))
    return contact


def meet(account, *contacts, days=5, kind="call"):
    activity, _ = record_activity(account=account, kind=kind, contacts=contacts, occurred_at=ago(days), now=ago(days))
    return activity


@pytest.fixture
def account():
    return AccountFactory()


def test_people_active_is_the_share_of_those_in_scope(account):
    first, second, third = join(account, "champion"), join(account, "champion"), join(account, "end_user")
    assert value_of("people_active", account) is None
    use(account, ago(40).date(), contact=second)
    assert value_of("people_active", account) == 0
    use(account, ago(3).date(), contact=first)
    use(account, ago(2).date(), contact=third)
    use(account, ago(1).date())
    assert value_of("people_active", account) == 66.6667
    assert read("people_active", account, scope={"role": "champion"}) == (50, AS_OF)
    assert value_of("people_active", account, scope={"role": "champion"}, days=60) == 100
    assert value_of("people_active", account, scope={"role": "economic_buyer"}) is None
    leave_account(membership=second.memberships.get(), at=ago(1), now=ago(1))
    assert value_of("people_active", account, scope={"role": "champion"}) == 100


def test_roles_covered_counts_the_roles_that_matter(account):
    assert value_of("roles_covered", account) is None
    join(AccountFactory(), "admin")
    assert value_of("roles_covered", account) == 0
    join(account, "other")
    gone = join(account, "champion")
    join(account, "end_user", days=100)
    join(account, "end_user")
    assert read("roles_covered", account) == (2, ago(100))
    delete_contact(contact=gone, now=ago(1))
    assert value_of("roles_covered", account) == 1


def test_single_thread_when_contact_and_use_are_one_persons(account):
    ada, bea = join(account, "champion"), join(account, "admin")
    assert value_of("single_thread", account) is None
    meet(account, ada, days=10)
    meet(account, bea, days=100)
    meet(account, bea, kind="note")
    assert read("single_thread", account) == (1, ago(10))
    use(account, ago(9).date(), 10, contact=ada)
    use(account, ago(8).date(), 11, contact=bea)
    assert read("single_thread", account) == (0, ago(7))
    use(account, ago(7).date(), 2, contact=ada)
    assert value_of("single_thread", account) == 1
    meet(account, bea, days=2)
    assert value_of("single_thread", account) == 0
    assert value_of("single_thread", account, as_of=ago(3)) == 1


def test_single_thread_when_the_champion_goes_quiet_and_nobody_senior_is_left(account):
    ada, bea, cy = join(account, "champion"), join(account, "economic_buyer"), join(account, "end_user")
    meet(account, ada, bea, days=40)
    meet(account, cy, days=3)
    assert value_of("single_thread", account) == 1
    assert value_of("single_thread", account, quiet=45) == 0
    use(account, ago(30).date(), contact=bea)
    assert value_of("single_thread", account) == 0
    assert value_of("single_thread", account, as_of=AS_OF + timedelta(days=1)) == 1


def test_who_took_part_is_read_as_it_was_recorded(account):
    ada, bea = join(account, "champion"), join(account, "admin")
    activity = meet(account, ada)
    before = timezone.now()
    edit_activity(activity=activity, fields={"contacts": [ada, bea]}, editor=UserFactory())
    later = {"as_of": AS_OF, "live": False}
    assert value_of("single_thread", account, recorded_by=before, **later) == 1
    assert value_of("single_thread", account, recorded_by=timezone.now(), **later) == 0
    assert value_of("single_thread", account) == 0
    edit_activity(activity=activity, fields={"contacts": [bea, ada]}, editor=UserFactory())
    assert activity.revisions.count() == 1


@pytest.mark.parametrize("seed", range(12))
def test_the_metric_and_the_page_follow_one_rule(account, seed):
    """Whatever happened, the metric says what the People tab says."""
    chance = random.Random(seed)
    people = [join(account, chance.choice(["champion", "admin", "end_user", "other"])) for _ in range(4)]
    for contact in people:
        for _ in range(chance.randint(0, 2)):
            use(account, ago(chance.randint(1, 110)).date(), chance.randint(1, 20), contact=contact)
        if chance.random() < 0.5:
            meet(account, *chance.sample(people, chance.randint(1, 2)), days=chance.randint(1, 110))
    report = people_report(account, now=AS_OF - timedelta(hours=5))
    expected = {None: None, True: 1, False: 0}[report.thread.is_single]
    assert value_of("single_thread", account) == expected
    held = len({"champion", "admin", "end_user"} & {row.person.role for row in report.rows})
    assert value_of("roles_covered", account) == held == 4 - len(report.missing)
