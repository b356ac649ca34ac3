"""The compiled set is exactly the rows whose explanation says yes: whatever the facts, the condition, the time."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.conditions import (
    Catalogue,
    Moment,
    describe,
    explain,
    filter_accounts,
    filter_contacts,
    matching_ids,
    validate,
)
from accounts.enums import Entity
from accounts.models import Account, Contact
from tests.accounts.conditions import worlds

pytestmark = pytest.mark.django_db
thorough = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@thorough
@given(st.data())
def test_set_equals_explanations_at_any_time(data):
    with worlds.undone():
        cast = worlds.people(data.draw)
        worlds.dated_facts(data.draw, cast)
        worlds.segment(data.draw)
        moment = Moment(
            as_of=data.draw(st.sampled_from(worlds.MOMENTS)), recorded_by=data.draw(st.sampled_from(worlds.MOMENTS))
        )
        catalogue = Catalogue()
        for _ in range(4):
            tree = worlds.condition(data.draw, catalogue)
            _assert_agreed(tree, moment, {row.pk for row in cast.accounts}, Entity.ACCOUNT)
        tree = worlds.condition(data.draw, catalogue, Entity.CONTACT)
        _assert_agreed(tree, moment, {row.pk for row in cast.contacts}, Entity.CONTACT)


def _assert_agreed(tree: dict, moment: Moment, pks: set[int], entity: Entity) -> None:
    validate(tree, entity)
    assert describe(tree, entity)
    explained = {pk for pk in pks if explain(tree, pk, moment, entity=entity).verdict is True}
    assert matching_ids(tree, moment, entity=entity) == explained
    narrowed = (
        filter_accounts(Account.all_objects.all(), tree, moment)
        if entity == Entity.ACCOUNT
        else filter_contacts(Contact.all_objects.all(), tree, moment)
    )
    assert {row.pk for row in narrowed} == explained
    some = sorted(pks)[:2]
    assert matching_ids(tree, moment, entity=entity, ids=some) == explained & set(some)


@thorough
@given(st.data())
def test_live_columns_equal_explanations_from_dated_rows(data):
    with worlds.undone():
        cast = worlds.people(data.draw)
        present = worlds.lived_facts(data.draw, cast)
        catalogue = Catalogue()
        cheaper = [field for field in catalogue.fields.values() if field.column or field.live_source]
        for field in data.draw(st.lists(st.sampled_from(cheaper), min_size=8, max_size=8)):
            tree = worlds.leaf(data.draw, field, catalogue)
            rows = cast.accounts if field.entity == Entity.ACCOUNT else cast.contacts
            _assert_agreed(tree, Moment.live(present), {row.pk for row in rows}, field.entity)
        people = {"contacts": data.draw(st.sampled_from(["any", "all"]))}
        people["where"] = worlds.condition(data.draw, catalogue, Entity.CONTACT)
        for tree in (people, {"not": people}):
            _assert_agreed(tree, Moment.live(present), {row.pk for row in cast.accounts}, Entity.ACCOUNT)
