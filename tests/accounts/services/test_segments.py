import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.conditions import ConditionError
from accounts.conditions.uses import uses_of_field, uses_of_segment
from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import Persona, Segment
from accounts.permissions import check_can_change_segment, get_segment_for
from accounts.services import create_segment, delete_segment, update_segment
from team.enums import AccessLevel
from tests.conftest import NOW
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
BIG = {"field": "arr", "op": "gt", "value": 1000}


def in_segment(segment):
    return {"field": "segment", "op": "any_of", "value": [segment.pk]}


def test_create_segment_keeps_the_condition():
    owner = UserFactory()
    segment = create_segment(name=" Big ", condition=BIG, owner=owner, now=NOW, is_shared=False)
    segment.refresh_from_db()
    assert (segment.name, segment.condition, segment.owner, segment.is_shared) == ("Big", BIG, owner, False)
    assert segment.created_at == NOW


def test_create_segment_refuses_bad_input():
    owner = UserFactory()
    create_segment(name="Big", condition=BIG, owner=owner, now=NOW)
    with pytest.raises(InvalidInput, match="There is already a segment BIG"):
        create_segment(name="BIG", condition=BIG, owner=UserFactory(), now=NOW)
    with pytest.raises(ConditionError, match="no account field 'size'"):
        create_segment(name="Odd", condition={"field": "size", "op": "known"}, owner=owner, now=NOW)
    assert Segment.objects.count() == 1


def test_two_people_may_each_have_their_own_of_one_name():
    for _ in range(2):
        create_segment(name="Mine", condition=BIG, owner=UserFactory(), now=NOW, is_shared=False)
    assert Segment.objects.filter(name="Mine").count() == 2


def test_update_segment_refuses_a_loop():
    owner = UserFactory()
    one = create_segment(name="One", condition=BIG, owner=owner, now=NOW)
    two = create_segment(name="Two", condition=in_segment(one), owner=owner, now=NOW)
    with pytest.raises(ConditionError, match="leads back to itself"):
        update_segment(segment=one, condition=in_segment(two))
    one.refresh_from_db()
    assert one.condition == BIG


def test_update_segment_changes_what_is_given():
    segment = create_segment(name="Big", condition=BIG, owner=UserFactory(), now=NOW)
    update_segment(segment=segment, name="Bigger", is_shared=False)
    segment.refresh_from_db()
    assert (segment.name, segment.condition, segment.is_shared) == ("Bigger", BIG, False)


def test_delete_segment_refuses_one_in_use():
    owner = UserFactory()
    one = create_segment(name="One", condition=BIG, owner=owner, now=NOW)
    two = create_segment(name="Two", condition={"not": in_segment(one)}, owner=owner, now=NOW)
    with pytest.raises(InvalidInput, match="One is used by Segment Two"):
        delete_segment(segment=one)
    delete_segment(segment=two)
    delete_segment(segment=one)
    assert not Segment.objects.exists()


def test_uses_are_found_wherever_a_condition_is_kept():
    segment = create_segment(
        name="One",
        condition={"contacts": "any", "where": {"not": {"field": "title", "op": "known"}}},
        owner=UserFactory(),
        now=NOW,
    )
    Persona.objects.create(name="Boss", condition={"any": [{"field": "title", "op": "is", "value": "CEO"}]})
    Persona.objects.create(name="Nobody", condition=None)
    assert uses_of_field(Entity.CONTACT, "title") == ["Persona Boss", "Segment One"]
    assert uses_of_field(Entity.ACCOUNT, "title") == []
    assert uses_of_segment(segment.pk) == []


def test_who_sees_and_changes_segments():
    owner, other = UserFactory(), UserFactory()
    editor = UserFactory(access_level=AccessLevel.EDITOR)
    private = create_segment(name="Mine", condition=BIG, owner=owner, now=NOW, is_shared=False)
    shared = create_segment(name="Ours", condition=BIG, owner=owner, now=NOW)
    assert get_segment_for(owner, private.pk) == private
    for user in (other, editor):
        with pytest.raises(Http404):
            get_segment_for(user, private.pk)
        assert get_segment_for(user, shared.pk) == shared
    check_can_change_segment(owner, private)
    check_can_change_segment(editor, shared)
    for user in (other, UserFactory(access_level=AccessLevel.VIEWER)):
        with pytest.raises(PermissionDenied, match="save yours under another name"):
            check_can_change_segment(user, shared)
