import pytest

from accounts.events import write_event
from accounts.timeline import timeline
from tests.factories import NOW, CurrentScoreFactory

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
