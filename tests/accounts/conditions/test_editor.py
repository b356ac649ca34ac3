"""The editor keeps a condition's meaning, and every button works by form alone."""

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.conditions import Catalogue, Moment, matching_ids
from accounts.conditions.editor import Editor, GroupControl, RowControl
from accounts.enums import Entity
from tests.accounts.conditions import worlds
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
STAGE = {"field": "stage", "op": "any_of", "value": ["onboarding"]}


def sent(part: GroupControl | RowControl, data: QueryDict | None = None, edit: str = "") -> QueryDict:
    """Return what a browser sends for the controls as they are shown."""
    data = QueryDict(mutable=True) if data is None else data
    if isinstance(part, GroupControl):
        data[f"{part.name}-match"] = next(option.value for option in part.matches if option.is_chosen)
        for option in part.quantifiers:
            if option.is_chosen:
                data[f"{part.name}-contacts"] = option.value
        for item in part.items:
            sent(item, data)
    else:
        data[f"{part.name}-field"] = next(
            (option.value for _, options in part.fields for option in options if option.is_chosen), ""
        )
        data[f"{part.name}-op"] = next((option.value for option in part.operators if option.is_chosen), "")
        if part.options:
            data.setlist(f"{part.name}-value", [option.value for option in part.options if option.is_chosen])
        elif part.operand == "texts":
            data[f"{part.name}-value"] = part.lines
        else:
            data[f"{part.name}-value"], data[f"{part.name}-value2"] = part.first, part.second
        for param in part.params:
            data[param.name] = param.value
    if edit:
        data["edit"] = edit
    return data


def press(editor: Editor, edit: str) -> Editor:
    return Editor.of_form(sent(editor.controls(), edit=edit), Catalogue(), editor.entity)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_editing_without_a_change_keeps_the_set(data):
    with worlds.undone():
        cast = worlds.people(data.draw)
        worlds.dated_facts(data.draw, cast)
        worlds.segment(data.draw)
        tree = worlds.condition(data.draw, Catalogue())
        shown = Editor.of_tree(tree, Catalogue()).controls()
        editor = Editor.of_form(sent(shown), Catalogue())
        assert editor.is_valid()
        moment = Moment(worlds.MOMENTS[-1], worlds.MOMENTS[-1])
        assert matching_ids(editor.tree(), moment) == matching_ids(tree, moment)


def test_buttons_add_and_remove():
    editor = press(Editor.of_tree(None, Catalogue()), "add:c")
    assert editor.tree() == {"all": []}
    data = sent(editor.controls())
    data["c-0-field"], data["c-0-value"] = "arr", "25,000"
    editor = Editor.of_form(data, Catalogue())
    assert editor.tree() == {"all": [{"field": "arr", "op": "eq", "value": 25000}]}
    editor = press(editor, "contacts:c")
    editor = press(editor, "group:c-1")
    data = sent(editor.controls())
    data["c-1-0-field"], data["c-1-0-value"] = "title", "VP"
    data["c-1-1-match"], data["c-1-1-0-field"], data["c-1-1-0-op"] = "none", "persona", "known"
    editor = Editor.of_form(data, Catalogue())
    assert editor.tree()["all"][1] == {
        "contacts": "any",
        "where": {"all": [{"field": "title", "op": "is", "value": "VP"}, {"not": {"field": "persona", "op": "known"}}]},
    }
    assert editor.is_valid()
    assert press(editor, "remove:c-0").tree() == {"all": editor.tree()["all"][1:]}
    assert press(editor, "remove:c-1-1-0").tree()["all"][1]["where"] == {
        "all": [{"field": "title", "op": "is", "value": "VP"}]
    }


@pytest.mark.parametrize("edit", ["add:c-7", "remove:c", "remove:c-0-0", "add:c-x", "explode:c", "add:", "remove:c-²"])
def test_a_button_that_fits_nothing_changes_nothing(edit):
    assert press(Editor.of_tree(STAGE, Catalogue()), edit).tree() == {"all": [STAGE]}


def test_changing_the_field_settles_operator_and_values():
    data = sent(Editor.of_tree(STAGE, Catalogue()).controls())
    data["c-0-field"] = "tier"
    assert Editor.of_form(data, Catalogue()).tree() == {"all": [{"field": "tier", "op": "any_of", "value": []}]}
    data["c-0-field"] = "renews_on"
    row = Editor.of_form(data, Catalogue()).controls().items[0]
    assert (row.operand, [option.label for option in row.operators][:2]) == ("date", ["is before", "is after"])


def test_errors_stand_at_their_row_and_keep_what_was_typed():
    data = QueryDict(mutable=True)
    data.update({"c-match": "all", "c-0-field": "arr", "c-0-op": "gt", "c-0-value": "lots"})
    editor = Editor.of_form(data, Catalogue())
    assert not editor.is_valid()
    row = editor.controls().items[0]
    assert (row.first, row.error) == ("lots", "ARR gt wants a number, not 'lots'.")


def test_what_is_gone_stays_visible():
    tree = {
        "any": [
            {"field": "attribute.gone", "op": "known"},
            {"field": "csm", "op": "any_of", "value": [UserFactory().pk, 999_999]},
        ]
    }
    editor = Editor.of_tree(tree, Catalogue())
    gone, csm = editor.controls().items
    assert gone.fields[-1][0] == "No longer there"
    assert [option.label for option in csm.options if option.is_chosen][-1] == "999999 (no longer there)"
    assert not editor.is_valid()


def test_contact_conditions_are_edited_too():
    tree = {"field": "title", "op": "contains", "value": "VP"}
    editor = press(Editor.of_tree(tree, Catalogue(), Entity.CONTACT), "add:c")
    assert editor.tree() == {"all": [tree]}
    assert not any(option.value == "arr" for _, options in editor.controls().items[1].fields for option in options)
