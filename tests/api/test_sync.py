"""Following rows: what moves a row to a new position, and that nobody who follows misses a change."""

import pytest

from tests.api.conftest import ApiClient, make_key
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(transactional_db) -> ApiClient:
    return ApiClient(make_key())


def test_memberships_and_names_move_the_row_that_shows_them(api):
    """These live in tables of their own, but a follower sees them on the contact or activity."""
    membership = MembershipFactory()
    path = f"/contacts/{membership.contact_id}"
    tags = [api.read(path)["ETag"]]
    position = api.read("/contacts").json()["position"]
    api.call("PATCH", path, {"memberships": []})
    tags.append(api.read(path)["ETag"])
    api.call("PATCH", path, {"external_ids": {"crm": "1"}})
    tags.append(api.read(path)["ETag"])
    activity = {"account": str(membership.account_id), "kind": "call", "occurred_at": "2026-01-01T00:00:00Z"}
    made = api.call("POST", "/activities", activity).json()
    api.call("PATCH", f"/activities/{made['id']}", {"contacts": [str(membership.contact_id)]})
    tags.append(api.read(f"/activities/{made['id']}")["ETag"])
    assert tags == ['"2"', '"3"', '"4"', '"2"']
    (changed,) = api.read(f"/contacts?cursor={position}").json()["data"]
    assert (changed["memberships"], changed["external_ids"]) == ([], {"crm": "1"})
