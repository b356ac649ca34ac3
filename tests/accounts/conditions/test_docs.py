"""docs/conditions.md tells the truth."""

import json
import re
from pathlib import Path

import pytest

from accounts.conditions import Moment, describe, explain, matching_ids, validate
from accounts.conditions.catalogue import Catalogue, FieldType
from accounts.conditions.operators import OPERATORS
from accounts.enums import Entity
from tests.conftest import NOW
from tests.factories import AccountFactory

pytestmark = pytest.mark.django_db
TEXT = (Path(__file__).resolve().parents[3] / "docs/conditions.md").read_text()
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


@pytest.mark.parametrize("tree", EXAMPLES)
def test_examples_can_be_used(tree):
    account = AccountFactory(stage="onboarding")
    validate(tree)
    assert describe(tree)
    assert matching_ids(tree, Moment.live(NOW)) <= {account.pk}
    assert explain(tree, account.pk, Moment.live(NOW)).text


def test_there_are_examples():
    assert len(EXAMPLES) == 3


def test_every_field_and_operator_is_named():
    named = set(re.findall(r"`([a-z_]+)`", TEXT))
    catalogue = Catalogue()
    keys = {key for entity, key in catalogue.fields if not key.startswith(("metric.", "attribute."))}
    assert keys <= named
    assert {key for kind in FieldType for key in OPERATORS[kind]} <= named
    assert {entity for entity, _ in catalogue.fields} == {Entity.ACCOUNT, Entity.CONTACT}
