from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.events import write_event
from accounts.timeline import timeline
from health.services.alert_rules import create_rule, delete_rule
from tests.factories import NOW, AccountFactory, CurrentScoreFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("live", ("Test health: Watch → At risk (38)", "", "red")),
        ("configuration", ("Test health: Watch → At risk (38)", "The scorecard changed, not the customer.", "red")),
        ("first_score", ("First Test health score: At risk (38)", "", "red")),
    ],
)
def test_a_changed_band_is_told_with_its_scorecard(origin, told):
    current = CurrentScoreFactory()
    payload = {"scorecard_id": current.scorecard_id, "from": "yellow", "to": "red", "score": 38.4}
    write_event(account=current.account, kind="band.changed", occurred_at=NOW, now=NOW, origin=origin, payload=payload)
    (entry,) = timeline(current.account)
    assert (entry.title, entry.body, entry.tone) == told


def test_alerts_are_told_with_their_rule_also_when_it_is_gone():
    account = AccountFactory(arr=30)
    enter = {"field": "arr", "op": "lt", "value": 40}
    fields = {"name": "Low ARR", "kind": "opportunity", "enter": enter}
    rule = create_rule(fields=fields, now=timezone.now() - timedelta(hours=1), raise_standing=True)
    delete_rule(rule=rule, now=timezone.now())
    told = [(e.title, e.body, e.tone) for e in timeline(account, only="health")]
    assert told == [
        ("Alert closed: Low ARR", "Rule changed or switched off.", ""),
        ("Alert: Low ARR", "", "green"),
    ]
