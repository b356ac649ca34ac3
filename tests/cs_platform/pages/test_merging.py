"""Merging accounts and people by hand."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, Contact
from health.models import DirtyAccount, UsageDay
from team.enums import AccessLevel
from tests.factories import AccountFactory, ContactFactory, MembershipFactory, TeamFactory, UserFactory
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client):
    user = UserFactory(access_level=AccessLevel.EDITOR)
    client.force_login(user)
    return user


def test_account_takes_in_another_with_its_usage(client, editor):
    kept, gone = AccountFactory(name="Acme"), AccountFactory(name="Acme Inc.")
    use(gone, timezone.now().date() - timedelta(days=3), 4)
    before = list(UsageDay.objects.filter(account_id=gone.pk).values_list("day", "count"))
    assert before
    assert "cannot be undone" in client.get(f"/accounts/{kept.pk}/merge/").content.decode()
    answer = client.post(f"/accounts/{kept.pk}/merge/", {"gone": "acme inc.", "is_sure": "on"})
    assert answer.url == f"/accounts/{kept.pk}/"
    assert list(Account.objects.all()) == [kept]
    copied = UsageDay.objects.filter(account_id=kept.pk)
    assert list(copied.values_list("day", "count")) == before
    assert set(copied.values_list("recorded_on", "is_backfill")) == {(timezone.now().date(), False)}
    assert list(UsageDay.objects.filter(account_id=gone.pk).values_list("day", "count")) == before
    assert {kept.pk, gone.pk} <= set(DirtyAccount.objects.values_list("account_id", flat=True))


@pytest.mark.parametrize(
    "data", [{"gone": "Acme Inc."}, {"gone": "Nobody", "is_sure": "on"}, {"gone": "Acme", "is_sure": "on"}]
)
def test_account_merge_wants_a_name_of_another_and_a_word(client, editor, data):
    kept = AccountFactory(name="Acme")
    AccountFactory(name="Acme Inc.")
    assert client.post(f"/accounts/{kept.pk}/merge/", data).status_code == 422
    assert Account.objects.count() == 2


def test_person_is_merged_into_a_colleague(client, editor):
    account = AccountFactory()
    kept, gone, stranger = ContactFactory(name="Cleo"), ContactFactory(name="C. Roe"), ContactFactory()
    MembershipFactory(account=account, contact=kept)
    membership = MembershipFactory(account=account, contact=gone)
    url = f"/accounts/{account.pk}/people/{membership.pk}/merge/"
    assert client.post(url, {"kept": stranger.pk, "is_sure": "on"}).status_code == 422
    assert client.post(url, {"kept": kept.pk}).status_code == 422
    assert client.post(url, {"kept": kept.pk, "is_sure": "on"}).url == f"/accounts/{account.pk}/people/"
    assert set(Contact.objects.all()) == {kept, stranger}
    assert client.post(url, {"kept": kept.pk, "is_sure": "on"}).status_code == 404
    assert "Cleo was known twice" not in client.get(f"/accounts/{account.pk}/timeline/").content.decode()


def test_contributors_may_not_and_hidden_accounts_are_not_there(client):
    client.force_login(UserFactory(access_level=AccessLevel.CONTRIBUTOR))
    seen, hidden = AccountFactory(), AccountFactory(team=TeamFactory())
    membership = MembershipFactory(account=seen)
    for path, status in (
        (f"/accounts/{seen.pk}/merge/", 403),
        (f"/accounts/{hidden.pk}/merge/", 404),
        (f"/accounts/{seen.pk}/people/{membership.pk}/merge/", 403),
    ):
        assert client.get(path).status_code == status
        assert client.post(path, {"is_sure": "on"}).status_code == status
    assert Account.objects.count() == 2
