"""Changing many accounts of the list at once."""

import json

import pytest

from accounts.models import Account, Activity
from cs_platform.pages import account_selection
from team.enums import AccessLevel
from tests.factories import AccountFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
URL = "/accounts/change/"
ONBOARDING = json.dumps({"all": [{"field": "stage", "op": "any_of", "value": ["onboarding"]}]})


@pytest.fixture
def user(client):
    user = UserFactory(name="Mira Kent", access_level=AccessLevel.CONTRIBUTOR)
    client.force_login(user)
    return user


def said(client):
    return [str(message) for message in client.get("/accounts/").context["messages"]]


def test_ticked_accounts_are_changed_and_the_list_comes_back_as_it_was(client, user):
    one, two, other = AccountFactory(name="One"), AccountFactory(name="Two", csm=user), AccountFactory(name="Three")
    asked = {"account": [one.pk, two.pk], "q": "o", "sort": "-arr"}
    page = client.get(URL, asked)
    assert "Change 2 accounts" in page.content.decode()
    assert page.context["selection"].names == ["One", "Two"]
    answer = client.post(URL, asked | {"csm": user.pk, "stage": "", "tier": "", "note": ""})
    assert (answer.status_code, answer.url) == (302, "/accounts/?q=o&sort=-arr")
    assert set(Account.objects.filter(csm=user)) == {one, two}
    assert said(client) == ["1 account changed; 1 had these values already (Two)."]
    assert Account.objects.get(pk=other.pk).csm is None


def test_all_that_match_the_filter_are_changed(client, user):
    AccountFactory.create_batch(3, stage="onboarding", tier="")
    AccountFactory(stage="mature", tier="")
    answer = client.post(URL, {"all": "1", "filter": ONBOARDING, "tier": "growth", "note": "Welcome."})
    assert answer.status_code == 302
    assert Account.objects.filter(tier="growth").count() == Activity.objects.count() == 3
    assert said(client) == ["3 accounts changed; a note written on 3 accounts."]


def test_accounts_of_other_teams_cannot_be_named(client, user):
    mine, hidden = AccountFactory(), AccountFactory(team=TeamFactory(), tier="")
    client.post(URL, {"account": [mine.pk, hidden.pk, "x", "9" * 30], "tier": "growth"})
    hidden.refresh_from_db()
    assert hidden.tier == ""
    assert client.post(URL, {"account": [hidden.pk], "tier": "growth"}).url == "/accounts/"
    assert "Tick the accounts to change first." in said(client)


def test_values_that_nobody_wanted_are_told(client, user):
    account = AccountFactory(csm=None)
    client.post(URL, {"account": account.pk, "csm": "none"})
    assert said(client) == ["0 accounts changed; all had these values already."]


def test_nothing_chosen_keeps_the_selection(client, user):
    account = AccountFactory()
    page = client.post(URL, {"account": account.pk, "note": "  "})
    assert page.status_code == 422
    assert "Choose what to change, or write a note." in page.content.decode()
    assert f'name="account" value="{account.pk}"' in page.content.decode()
    assert client.post(URL, {"account": account.pk, "stage": "flying"}).status_code == 422


def test_too_many_and_a_broken_filter_are_refused_with_the_reason(client, user, monkeypatch):
    AccountFactory.create_batch(3)
    monkeypatch.setattr(account_selection, "MAX_ACCOUNTS", 2)
    page = client.post(URL, {"all": "1", "tier": "growth"})
    assert (page.status_code, "At most 2 accounts" in page.content.decode()) == (422, True)
    page = client.post(URL, {"all": "1", "filter": "{", "tier": "growth"})
    assert (page.status_code, "not valid JSON" in page.content.decode()) == (422, True)
    assert not Account.objects.exclude(tier="").exists()


def test_viewers_may_not(client):
    client.force_login(UserFactory(access_level=AccessLevel.VIEWER))
    account = AccountFactory(tier="")
    assert client.get(URL, {"account": account.pk}).status_code == 403
    assert client.post(URL, {"account": account.pk, "tier": "growth"}).status_code == 403
    assert "data-check" not in client.get("/accounts/").content.decode()
