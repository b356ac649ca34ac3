"""The chance of churn by which accounts are ranked: learned where a model is in force, else from the score."""

import hashlib
import json
import math
from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection

from health.alerts import churn_probability
from health.models import LearnedModel, ScorecardVersion
from health.scorecards import Card

HUNDREDTHS = 100
UNKNOWN = -1


def measures_hash(card: Card) -> str:
    """Return a hash of what makes the points of a card's measures: the same points mean the same under it."""
    measures = sorted(
        [each.key, each.use.as_dict(), [list(point) for point in each.curve], each.fresh_days] for each in card.measures
    )
    return hashlib.sha256(json.dumps(measures, sort_keys=True, default=str).encode()).hexdigest()


def churn_probabilities(account_ids: Collection[int] | None = None) -> dict[int, float]:
    """Return the chance of churn, 0 to 1, by each account's main score; None: of all accounts.

    By the learned model in force for the scorecard where the version has the measures it learned
    from, else (100 − score) / 100. Accounts without a score are left out.
    """
    learned = _learned_models()
    found = {}
    for account_id, version_id, score, points in _main_scores(account_ids):
        if version_id in learned:
            keys, model = learned[version_id]
            found[account_id] = probability(model, dict(zip(keys, points, strict=False)))
        else:
            found[account_id] = churn_probability(score / HUNDREDTHS)
    return found


def probability(model: dict[str, Any], points: dict[str, int]) -> float:
    """Return what a model (the plain form of learning.Model) says about points in hundredths (UNKNOWN: unknown)."""
    odds = model["intercept"]
    for feature in model["features"]:
        known = points.get(feature["key"], UNKNOWN)
        if known == UNKNOWN:
            odds += feature["missing_risk"]
        else:
            odds += feature["risk"] * (known / HUNDREDTHS - feature["mean"]) / feature["deviation"]
    return float(1 / (1 + math.exp(-(model["slope"] * odds + model["offset"]))))


def _learned_models() -> dict[int, tuple[Sequence[str], dict[str, Any]]]:
    """Return (keys of the measures in order, model) by version for which one is in force."""
    models = {row.scorecard_id: row for row in LearnedModel.objects.filter(is_in_force=True)}
    found: dict[int, tuple[Sequence[str], dict[str, Any]]] = {}
    for version in ScorecardVersion.objects.filter(scorecard__in=models):
        card, row = version.card(), models[version.scorecard_id]
        if measures_hash(card) == row.measures_hash:
            found[version.pk] = ([each.key for each in card.measures], row.model)
    return found


def _main_scores(account_ids: Collection[int] | None) -> list[tuple[int, int, int, list[int]]]:
    """Return (account, version, score in hundredths, points in the version's order)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.account_id, c.version_id, s.score, s.points FROM health_currentscore c"
            " JOIN health_scoresnapshot s USING (account_id, scorecard_id, as_of, revision)"
            " WHERE c.main_of = 'health' AND c.deleted_at IS NULL AND s.score >= 0"
            " AND (%(ids)s::bigint[] IS NULL OR c.account_id = ANY(%(ids)s::bigint[]))",
            {"ids": None if account_ids is None else list(account_ids)},
        )
        return list(cursor.fetchall())
