"""Writing down a new account, changing one."""

import pytest
from django.urls import reverse

from accounts.models import Account, AccountEvent
from accounts.services import define_attribute
from team.enums import AccessLevel
from tests.factories import AccountFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
FIELDS = {"name": "Acme", "domain": "ACME.example", "stage": "onboarding", "tier": "growth"}


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def attributes():
    for kind, key in [("text", "note"), ("number", "size"), ("boolean", "sso"), ("date", "since"), ("user", "buddy")]:
        define_attribute(entity="account", key=key, label=key.title(), type=kind)
    define_attribute(entity="account", key="plan", label="Plan", type="choice", choices=["Pro", "Team"])


def kinds(account):
    return list(AccountEvent.objects.filter(account=account).order_by("id").values_list("kind", flat=True))


def test_new_account_is_saved_with_its_attributes(client, user, attributes):
    parent = AccountFactory(name="Holding")
    sent = {
        **FIELDS,
        "parent": "holding",
        "customer_since": "2026-01-05",
        "csm": user.pk,
        "attribute_note": "=1+1",
        "attribute_size": "12.5",
        "attribute_sso": "false",
        "attribute_since": "2026-02-01",
        "attribute_buddy": user.pk,
        "attribute_plan": "Pro",
    }
    response = client.post(reverse("account_new"), sent)
    account = Account.objects.get(name="Acme")
    assert response["Location"] == reverse("account", args=[account.pk])
    assert (account.domain, account.stage, account.tier, account.csm, account.parent) == (
        "acme.example",
        "onboarding",
        "growth",
        user,
        parent,
    )
    assert account.attributes == {
        "note": "=1+1",
        "size": 12.5,
        "sso": False,
        "since": "2026-02-01",
        "buddy": user.pk,
        "plan": "Pro",
    }
    assert kinds(account)[0] == "account.created"
    assert AccountEvent.objects.filter(account=account, actor=user).count() == len(kinds(account))


def test_edit_account_writes_what_changed_and_clears_what_was_emptied(client, user, attributes):
    client.post(reverse("account_new"), {**FIELDS, "attribute_plan": "Pro", "attribute_sso": "true"})
    account = Account.objects.get()
    before = len(kinds(account))
    page = client.get(reverse("account_edit", args=[account.pk])).content.decode()
    assert '<option value="true" selected>' in page
    client.post(
        reverse("account_edit", args=[account.pk]), {**FIELDS, "stage": "mature", "tier": "", "attribute_sso": "true"}
    )
    account.refresh_from_db()
    assert (account.stage, account.tier, account.attributes) == ("mature", "", {"sso": True})
    assert sorted(kinds(account)[before:]) == ["attribute.changed", "stage.changed", "tier.changed"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "This field is required."),
        ({"parent": "Nobody Ltd"}, "No account is called &#x27;Nobody Ltd&#x27;."),
        ({"parent": "Twin"}, "More than one account is called &#x27;Twin&#x27;."),
        ({"stage": "gone"}, "Select a valid choice."),
        ({"customer_since": "soon"}, "Enter a valid date."),
        ({"attribute_size": "1e99"}, "Size: 1e+99 is not a number."),
        ({"name": "A\x00"}, "Null characters are not allowed."),
    ],
)
def test_bad_input_is_kept_and_named(client, user, attributes, change, message):
    AccountFactory.create_batch(2, name="Twin")
    response = client.post(reverse("account_new"), {**FIELDS, **change})
    assert response.status_code == 422
    assert message in response.content.decode()
    assert 'value="ACME.example"' in response.content.decode()
    assert Account.objects.filter(domain__iexact="acme.example").count() == 0


def test_an_account_cannot_stand_below_itself(client, user):
    account = AccountFactory(name="Acme")
    AccountFactory(name="Child", parent=account)
    response = client.post(reverse("account_edit", args=[account.pk]), {**FIELDS, "parent": "Child"})
    assert "stands below Acme and cannot be its parent" in response.content.decode()


def test_a_parent_one_may_not_see_stays(client, user):
    parent = AccountFactory(name="Hidden", team=TeamFactory())
    account = AccountFactory(name="Acme", parent=parent)
    client.post(reverse("account_edit", args=[account.pk]), {**FIELDS, "parent": "Hidden"})
    account.refresh_from_db()
    assert (account.parent, account.stage) == (parent, "onboarding")


def test_who_may_write(client, user):
    hidden, seen = AccountFactory(team=TeamFactory()), AccountFactory(name="Seen")
    assert client.post(reverse("account_edit", args=[hidden.pk]), FIELDS).status_code == 404
    client.force_login(UserFactory(access_level=AccessLevel.VIEWER))
    assert client.post(reverse("account_edit", args=[seen.pk]), FIELDS).status_code == 403
    assert client.post(reverse("account_new"), FIELDS).status_code == 403
    assert set(Account.objects.values_list("stage", flat=True)) == {""}
    assert Account.objects.count() == 2
