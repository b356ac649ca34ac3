"""Lists: the same number of queries however many rows, and pages that lose nothing while rows change."""

import base64

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account, Contact, ExternalId
from accounts.services import create_account
from health.services import score_accounts
from tests.api.conftest import ApiClient, make_key
from tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    CurrentScoreFactory,
    MembershipFactory,
    ProductFactory,
    SubscriptionFactory,
    SurveyResponseFactory,
    TeamFactory,
    TicketFactory,
    UserFactory,
)
from tests.health.cards import make_scorecard

pytestmark = pytest.mark.django_db


def make_account():
    account = AccountFactory(csm=UserFactory(), team=TeamFactory(), parent=AccountFactory())
    ExternalId.objects.create(entity="account", system="crm", value=str(account.pk), object_id=account.pk)


def make_contact():
    contact = ContactFactory()
    MembershipFactory.create_batch(2, contact=contact)
    ExternalId.objects.create(entity="contact", system="crm", value=str(contact.pk), object_id=contact.pk)


def make_activity():
    ActivityFactory(author=UserFactory()).contacts.add(ContactFactory(), ContactFactory())


def make_user():
    UserFactory().teams.add(TeamFactory(), TeamFactory())


# How to make one row with all that it shows, and how many queries a list of such rows takes: one for
# the caller's key, one for the rows, and one for each other table they show.
LISTS = {
    "accounts": (make_account, 3),
    "contacts": (make_contact, 4),
    "subscriptions": (lambda: SubscriptionFactory(product=ProductFactory()), 3),
    "activities": (make_activity, 4),
    "tickets": (lambda: TicketFactory(product=ProductFactory(), contact=ContactFactory()), 3),
    "survey-responses": (lambda: SurveyResponseFactory(contact=ContactFactory()), 3),
    "health-scores": (CurrentScoreFactory, 2),
    "products": (ProductFactory, 2),
    "users": (make_user, 3),
}


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("path", LISTS)
def test_a_list_takes_the_same_queries_however_many_rows(api, django_assert_num_queries, path, rows):
    make, count = LISTS[path]
    api.read("/whoami")
    for _ in range(rows):
        make()
    with django_assert_num_queries(count):
        response = api.read(f"/{path}")
    assert len(response.json()["data"]) >= rows


@pytest.mark.parametrize("days", [1, 3])
def test_history_takes_the_same_queries_however_long(api, django_assert_num_queries, days):
    card, now = make_scorecard(), timezone.now()
    long_ago = now - timezone.timedelta(days=100)
    account = create_account(fields={"name": "Acme"}, now=now, occurred_at=long_ago, backfill=True)
    for ago in range(days):
        score_accounts(scorecard=card, now=now, as_of=now.date() - timezone.timedelta(days=ago))
    api.read("/whoami")
    with django_assert_num_queries(3):
        response = api.read(f"/accounts/{account.pk}/score-history")
    assert len(response.json()["data"]) == days


CHANGES = st.lists(st.tuples(st.sampled_from(["change", "delete", "create"]), st.integers(0, 11)), max_size=6)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(size=st.integers(1, 5), changes=st.lists(CHANGES, min_size=1, max_size=6))
def test_pages_lose_no_row_while_rows_change(db, size, changes):
    """Between two pages others create, change and delete; at the end the reader knows exactly what is there."""
    client, known = ApiClient(make_key()), {}
    Account.all_objects.all().delete()
    accounts = AccountFactory.create_batch(12)
    url, steps = f"/accounts?include_deleted=true&page_size={size}", iter(changes)
    while url:
        page = client.read(url).json()
        known.update({row["id"]: row for row in page["data"]})
        for what, index in next(steps, []):
            match what:
                case "change":
                    Account.objects.filter(pk=accounts[index].pk).update(tier=f"{what} {len(known)}")
                case "delete":
                    Account.objects.filter(pk=accounts[index].pk).update(deleted_at=timezone.now())
                case "create":
                    accounts.append(AccountFactory())
        url = page["next"]
    # The changes after the last page are the next read's.
    for row in read_all(client, f"/accounts?include_deleted=true&cursor={page['position']}"):
        known[row["id"]] = row
    assert {(each["id"], each["version"], each["deleted_at"] is None) for each in known.values()} == {
        (str(pk), version, deleted_at is None)
        for pk, version, deleted_at in Account.all_objects.values_list("pk", "row_version", "deleted_at")
    }


def read_all(client, url):
    while url:
        page = client.read(url).json()
        yield from page["data"]
        url = page["next"]


def test_a_page_that_ends_with_the_last_row_has_no_next(api):
    AccountFactory.create_batch(4)
    pages = [api.read("/accounts?page_size=2").json()]
    pages.append(api.read(pages[0]["next"]).json())
    assert [(len(page["data"]), page["has_more"], page["next"] is None) for page in pages] == [
        (2, True, False),
        (2, False, True),
    ]
    assert api.read(f"/accounts?cursor={pages[1]['position']}").json() == {
        "next": None,
        "data": [],
        "next_cursor": None,
        "has_more": False,
        "position": pages[1]["position"],
    }


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


NUMBERS = st.integers(-(2**70), 2**70).map(str)
CURSORS = st.one_of(
    st.text(max_size=40),
    st.text(max_size=40).map(encoded),
    st.lists(NUMBERS, max_size=5).map(lambda parts: encoded(".".join(parts))),
    st.lists(st.integers(0, 2**63 - 1).map(str), min_size=1, max_size=4).map(lambda parts: encoded(".".join(parts))),
)
LISTS_WITH_CURSOR = [
    ("accounts", {}),
    ("accounts", {"updated_after": "2026-01-01T00:00:00Z"}),
    ("users", {}),
    ("health-scores", {}),
    ("accounts/{account}/score-history", {}),
]


@pytest.mark.parametrize(("path", "query"), LISTS_WITH_CURSOR)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(cursor=CURSORS)
def test_a_cursor_made_up_is_refused_or_taken_never_a_failure(db, path, query, cursor):
    client, account = ApiClient(make_key()), Account.objects.first() or AccountFactory()
    url = f"/api/v1/{path.format(account=account.pk)}"
    response = client.get(url, query | {"cursor": cursor}, headers=client.headers_of_all)
    assert response.status_code in {200, 400}, response.content
    if response.status_code == 400:
        assert [each["parameter"] for each in response.json()["errors"]] == ["cursor"]
    else:
        assert isinstance(response.json()["data"], list)


def test_contacts_of_a_tombstone_are_followed_too(api):
    contact = ContactFactory()
    position = api.read("/contacts").json()["position"]
    Contact.objects.filter(pk=contact.pk).update(deleted_at=timezone.now())
    assert api.read(f"/contacts?cursor={position}").json()["data"] == []
    (row,) = api.read(f"/contacts?cursor={position}&include_deleted=true").json()["data"]
    assert (row["id"], row["deleted_at"] is not None) == (str(contact.pk), True)
