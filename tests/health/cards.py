"""A small scorecard for tests: points are the number of events in 7 days, and CSM sentiment beside it."""

from health.services import create_scorecard
from tests.conftest import NOW

CONFIG = {
    "bands": {"green": 70, "yellow": 40},
    "minimum_confidence": 40,
    "children": [
        {
            "key": "usage",
            "label": "Usage",
            "weight": 3,
            "children": [
                {
                    "key": "events",
                    "label": "Events",
                    "weight": 1,
                    "metric": "event_count",
                    "params": {"days": 7},
                    "curve": [[0, 0], [100, 100]],
                }
            ],
        },
        {
            "key": "sentiment",
            "label": "CSM sentiment",
            "weight": 1,
            "metric": "csm_sentiment",
            "curve": [[1, 0], [5, 100]],
            "fresh_days": 60,
        },
    ],
}


def make_scorecard(name="Health", config=CONFIG, applies_to=None, **options):
    config = config if applies_to is None else {**config, "applies_to": applies_to}
    return create_scorecard(name=name, config=config, now=NOW, **options)
