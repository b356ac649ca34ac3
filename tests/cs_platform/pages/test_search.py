"""Search shows what one may see, and nothing else."""

import pytest

from accounts.enums import Stage
from cs_platform.pages.search import Group, Hit, groups
from team.enums import AccessLevel
from tests.factories import AccountFactory, ContactFactory, MembershipFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def found(user, text):
    return {group.title: [hit.label for hit in group.hits] for group in groups(user, text)}


def test_accounts_contacts_and_pages_match_by_part_of_their_name():
    account = AccountFactory(name="Tidewater Bank", stage=Stage.ADOPTION)
    MembershipFactory(account=account, contact=ContactFactory(name="Tida Nair"))
    AccountFactory(name="Northwind")
    assert groups(UserFactory(), "tid") == [
        Group("account", "Accounts", (Hit("Tidewater Bank", f"/accounts/{account.pk}/", "building-2", "Adoption"),)),
        Group("contact", "Contacts", (Hit("Tida Nair", f"/accounts/{account.pk}/", "user-round", "Tidewater Bank"),)),
    ]


def test_accounts_of_other_teams_and_their_contacts_stay_hidden():
    hidden = AccountFactory(name="Tidewater Bank", team=TeamFactory())
    seen = AccountFactory(name="Tideline")
    contact = ContactFactory(name="Tida Nair")
    MembershipFactory(account=hidden, contact=contact)
    assert found(UserFactory(access_level=AccessLevel.VIEWER), "tid") == {"Accounts": ["Tideline"]}
    MembershipFactory(account=seen, contact=contact, until="2020-01-01T00:00Z")  # a former membership shows nothing
    assert found(UserFactory(access_level=AccessLevel.VIEWER), "tid") == {"Accounts": ["Tideline"]}
    assert found(UserFactory(access_level=AccessLevel.ADMIN), "tid") == {
        "Accounts": ["Tideline", "Tidewater Bank"],
        "Contacts": ["Tida Nair"],
    }


def test_pages_follow_the_access_level():
    assert found(UserFactory(access_level=AccessLevel.ADMIN), "syst") == {"Pages": ["System"]}
    assert found(UserFactory(access_level=AccessLevel.VIEWER), "syst") == {}


def test_without_text_the_pages_are_shown():
    assert list(found(UserFactory(access_level=AccessLevel.VIEWER), "")) == ["Pages"]


def test_page_and_fragment_come_from_one_address(client):
    AccountFactory(name="Tidewater Bank")
    client.force_login(UserFactory())
    page = client.get("/search/", {"q": "tide"}).content.decode()
    fragment = client.get("/search/", {"q": "tide"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" in page
    assert "<html" not in fragment
    assert "Tidewater Bank" in page
    assert 'role="option"' in fragment


@pytest.mark.parametrize("accounts", [1, 3])
def test_search_costs_the_same_for_any_number(client, django_assert_num_queries, accounts):
    for i in range(accounts):
        MembershipFactory(account=AccountFactory(name=f"Tide {i}"), contact=ContactFactory(name=f"Tide {i}"))
    client.force_login(UserFactory(access_level=AccessLevel.ADMIN))
    client.get("/search/")  # the first request of a session notes when it was seen
    with django_assert_num_queries(4):  # session, user, accounts, contacts
        client.get("/search/", {"q": "tide"}, headers={"HX-Request": "true"})


def test_search_is_for_those_who_signed_in(client):
    assert client.get("/search/").headers["Location"] == "/login/?next=/search/"
    client.force_login(UserFactory())
    assert client.post("/search/").status_code == 405


def test_what_was_typed_is_escaped(client):
    client.force_login(UserFactory())
    fragment = client.get("/search/", {"q": "<b>x"}, headers={"HX-Request": "true"}).content.decode()
    assert "<b>x" not in fragment
    assert "&lt;b&gt;x" in fragment
