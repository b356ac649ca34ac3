"""Which columns of the accounts list a user sees."""

from datetime import date

import pytest

from accounts.models import ListColumns
from accounts.services import define_attribute
from team.enums import AccessLevel
from tests.factories import AccountFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    user = UserFactory(name="Mira Kent", access_level=AccessLevel.VIEWER)
    client.force_login(user)
    return user


def headings(client):
    return [column.label for column in client.get("/accounts/").context["shown"]]


def test_columns_are_kept_per_user_in_the_order_of_the_list(client, user):
    at_first = ["14 weeks", "Why", "ARR", "Renewal", "Stage", "Last activity"]
    assert headings(client) == at_first
    define_attribute(entity="account", key="country", label="Country")
    AccountFactory(name="Acme", customer_since=date(2024, 2, 3), attributes={"country": "Peru"})
    answer = client.post(
        "/accounts/columns/",
        {"column": ["since", "attribute:country", "arr", "nonsense"], "list": "q=Acme&sort=-arr"},
    )
    assert (answer.status_code, answer.url) == (302, "/accounts/?q=Acme&sort=-arr")
    assert headings(client) == ["ARR", "Customer since", "Country"]
    page = client.get("/accounts/").content.decode()
    assert "Peru" in page
    assert "3 Feb 2024" in page
    client.force_login(UserFactory())
    assert headings(client) == at_first


def test_nothing_beside_name_and_health_can_be_wanted_and_taken_back(client, user):
    client.post("/accounts/columns/", {})
    assert headings(client) == []
    answer = client.post("/accounts/columns/", {"column": "arr", "reset": "1"})
    assert answer.url == "/accounts/"
    assert not ListColumns.objects.exists()


def test_attributes_are_told_as_people_say_them(client, user):
    for key, kind in {"is_public": "boolean", "since": "date", "staff": "number", "gone": "text"}.items():
        define_attribute(entity="account", key=key, label=key, type=kind)
    AccountFactory(attributes={"is_public": False, "since": "2026-03-04", "staff": 0})
    keys = [f"attribute:{key}" for key in ("is_public", "since", "staff", "gone")]
    client.post("/accounts/columns/", {"column": keys})
    (row,) = client.get("/accounts/").context["rows"]
    assert {column.label: text for column, text in row.cells} == {
        "is_public": "No", "since": "4 Mar 2026", "staff": 0, "gone": "–",
    }  # fmt: skip
    assert '<td class="table-num" data-label="staff">0</td>' in client.get("/accounts/").content.decode()


def test_columns_are_posted_by_whoever_is_signed_in(client):
    assert client.post("/accounts/columns/", {"column": "arr"}).status_code == 302
    client.force_login(UserFactory())
    assert client.get("/accounts/columns/").status_code == 405
    assert not ListColumns.objects.exists()
