"""The same change to many accounts."""

from datetime import timedelta

import pytest

from accounts.errors import InvalidInput
from accounts.models import Account, AccountEvent, Activity
from accounts.services import change_selected, delete_account, update_account
from team.enums import AccessLevel
from tests.conftest import NOW
from tests.factories import AccountFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def change(accounts, *, actor, note="", **fields):
    return change_selected(keys=[each.pk for each in accounts], fields=fields, note=note, now=NOW, actor=actor)


def test_accounts_get_the_values_each_with_its_events():
    actor, csm = UserFactory(access_level=AccessLevel.CONTRIBUTOR), UserFactory()
    one, two = AccountFactory(stage="onboarding"), AccountFactory(stage="mature", csm=csm)
    changed = change([one, two], actor=actor, stage="mature", csm=csm.pk)
    assert (changed.accounts, changed.same, changed.refused, changed.gone_count) == ([one], [two], [], 0)
    assert set(Account.objects.values_list("stage", "csm")) == {("mature", csm.pk)}
    events = AccountEvent.objects.filter(account=one, actor=actor, recorded_at=NOW)
    assert set(events.values_list("kind", flat=True)) == {"stage.changed", "csm.changed"}
    assert AccountEvent.objects.count() == 2


def test_accounts_that_are_not_to_be_seen_are_left_out_and_counted():
    actor = UserFactory(access_level=AccessLevel.CONTRIBUTOR)
    seen, hidden, gone = AccountFactory(), AccountFactory(team=TeamFactory()), AccountFactory()
    delete_account(account=gone, now=NOW)
    changed = change([seen, hidden, gone], actor=actor, tier="growth", note="Moved to growth.")
    assert (changed.accounts, changed.noted, changed.gone_count) == ([seen], [seen], 2)
    hidden.refresh_from_db()
    assert hidden.tier == ""
    assert Activity.objects.get().account == seen


def test_nobody_becomes_the_csm():
    actor = UserFactory()
    with_csm, without = AccountFactory(csm=None), AccountFactory(csm=None)
    with_csm = update_account(account=with_csm, fields={"csm": actor.pk}, now=NOW - timedelta(days=1))
    changed = change([with_csm, without], actor=actor, csm=None)
    assert (changed.accounts, changed.same) == ([with_csm], [without])
    with_csm.refresh_from_db()
    assert with_csm.csm is None


def test_values_that_are_refused_are_told_per_account_and_bring_no_note():
    actor, account = UserFactory(), AccountFactory()
    changed = change([account], actor=actor, stage="flying", note="x")
    assert [(each, "flying" in why) for each, why in changed.refused] == [(account, True)]
    assert (changed.accounts, changed.noted) == ([], [])
    assert not Activity.objects.exists()


def test_note_is_an_activity_of_its_author():
    actor = UserFactory(function="support")
    accounts = [AccountFactory(), AccountFactory()]
    changed = change(accounts, actor=actor, note=" Price change told. ")
    assert (changed.noted, changed.same) == (accounts, accounts)
    rows = Activity.objects.values_list("kind", "body", "author", "function")
    assert set(rows) == {("note", "Price change told.", actor.pk, "support")}
    with pytest.raises(InvalidInput):
        change(accounts, actor=actor, note="\x00")


def test_other_fields_are_refused():
    with pytest.raises(InvalidInput, match="name cannot be changed for many"):
        change([AccountFactory()], actor=UserFactory(), name="x")


def test_number_of_statements_does_not_grow_with_the_accounts(django_assert_num_queries):
    actor, csm = UserFactory(), UserFactory()
    for count in (1, 3):
        accounts = AccountFactory.create_batch(count)
        with django_assert_num_queries(12):
            change(accounts, actor=actor, csm=csm.pk, stage="mature")
