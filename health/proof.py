"""Proof of a score: computed again from its receipt, and replayed from the facts.

`verify` believes only the inputs of a receipt. `replay` reads the facts again as they were known
then: what arrived, was corrected or deleted later changes nothing.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from health.computing import compute_results, score_values
from health.freezes import EPOCH, NOT_FROZEN, Freeze, frozen_days
from health.hierarchy import with_children
from health.metrics.query import AccountSet
from health.metrics.values import NO_INPUT, Values
from health.models import ScorecardVersion, ScoreSnapshot
from health.overrides import override_scores
from health.receipts import HUNDREDTHS, MINUTE, UNKNOWN, hundredths
from health.results import Results, with_overrides
from health.rollup import Child, read_children, roll_up
from health.scorecards import Band, Card, read_card


def replay(snapshot: ScoreSnapshot) -> Results:
    """Compute a snapshot's score again from the facts as they were known then; its hash must be equal.

    Exact as long as the raw usage events of the day it was computed are kept (USAGE_EVENT_DAYS).
    """
    version = ScorecardVersion.objects.get(pk=snapshot.version_id)
    card, accounts = version.card(), AccountSet(ids=(snapshot.account_id,))
    results = compute_results(
        card,
        accounts,
        as_of=snapshot.as_of,
        recorded_by=snapshot.recorded_by,
        live=False,
        version_hash=version.hash,
    )
    results = _with_stored_children(card, results, snapshot.account_id, read_children(snapshot.children or ()))
    overrides = override_scores(snapshot.scorecard_id, accounts, as_of=snapshot.as_of, recorded_by=snapshot.recorded_by)
    return with_overrides(card, results, overrides)


def verify(receipt: dict[str, Any]) -> list[str]:
    """Compute a receipt (as `Receipt.as_dict` returns it) again; return what does not match, empty when it proves.

    Only the inputs are believed: the values and the configuration. Everything else is computed.
    """
    card = read_card(receipt["version"]["config"])
    problems = []
    if card.hash != receipt["version"]["hash"]:
        problems.append("The configuration is not the one its hash was made of.")
    parts = [part.key for part in card.inputs]
    lines = {line["key"]: line for line in [*receipt["measures"], *receipt["limits"]]}
    if set(parts) != set(lines):
        return [*problems, "The measures and limits are not those of the configuration."]
    lines = {key: lines[key] for key in parts}
    children = [_child(line) for line in receipt.get("children") or ()]
    again = _with_stored_children(card, _computed_again(card, receipt, lines), int(receipt["account"]), children)
    problems += _wrong_lines(card, lines, again) + _wrong_children(children, again)
    computed = hundredths(int(again.scores.accounts["score"].iloc[0]))
    if override := receipt["override"]:
        again = with_overrides(card, again, {int(receipt["account"]): int(Decimal(override["score"]) * HUNDREDTHS)})
    row = again.scores.accounts.iloc[0]
    score = hundredths(int(row["score"]))
    computed_row = {
        "computed": None if computed is None else str(computed),
        "score": None if score is None else str(score),
        "band": Band(int(row["band"])).word,
        "confidence": int(row["confidence"]),
        "hash": again.hashes[0].tobytes().hex(),
    }
    problems += [
        f"The {name} is {value}, not {receipt[name]}." for name, value in computed_row.items() if receipt[name] != value
    ]
    return problems


def computed_again(version: ScorecardVersion, card: Card, snapshot: ScoreSnapshot, freezes: list[Freeze]) -> Results:
    """Return what the inputs of a snapshot come to, without its override."""
    row = _score_row(
        card,
        version.hash,
        account_id=snapshot.account_id,
        as_of=snapshot.as_of,
        values=snapshot.value,
        minutes=snapshot.fresh,
        frozen=frozen_days([part.use for part in card.inputs], freezes),
    )
    return _with_stored_children(card, row, snapshot.account_id, read_children(snapshot.children or ()))


def _with_stored_children(card: Card, results: Results, account_id: int, children: Sequence[Child]) -> Results:
    """Return the score of a parent from the children that were kept with it; of others, what it was."""
    if not children:
        return results
    rolled = roll_up(card.rollup, children, minimum_confidence=card.minimum_confidence)
    return with_children(card, results, {account_id: rolled})


def _child(line: dict[str, Any]) -> Child:
    score = UNKNOWN if line["score"] is None else int(Decimal(line["score"]) * HUNDREDTHS)
    part = round(line["contribution"] * HUNDREDTHS)
    return Child(int(line["account"]), score, line["confidence"], line["weight"], part)


def _wrong_children(children: Sequence[Child], again: Results) -> list[str]:
    computed = {child.account_id: child.contribution for rolled in again.children.values() for child in rolled.children}
    return [
        f"Account {child.account_id}: contribution is {computed[child.account_id] / HUNDREDTHS}, not"
        f" {child.contribution / HUNDREDTHS}."
        for child in children
        if child.contribution != computed[child.account_id]
    ]


def _wrong_lines(card: Card, lines: dict[str, dict[str, Any]], again: Results) -> list[str]:
    limits = {limit.key for limit in card.limits}
    points, contributions = again.scores.points.to_numpy()[0], again.scores.contributions.to_numpy()[0]
    problems = []
    for place, (key, line) in enumerate(lines.items()):
        known = int(points[place]) != UNKNOWN
        computed: dict[str, Any] = {"contribution": int(contributions[place]) / HUNDREDTHS}
        if key in limits:
            computed["is_fired"] = bool(points[place] > 0) if known else None
        else:
            computed["points"] = int(points[place]) / HUNDREDTHS if known else None
        problems += [
            f"{line['label']}: {name} is {value}, not {line[name]}."
            for name, value in sorted(computed.items(), reverse=True)
            if line[name] != value
        ]
    return problems


def _computed_again(card: Card, receipt: dict[str, Any], lines: dict[str, dict[str, Any]]) -> Results:
    values = [float("nan") if line["value"] is None else line["value"] for line in lines.values()]
    minutes = [
        NO_INPUT if line["fresh_at"] is None else int(datetime.fromisoformat(line["fresh_at"]).timestamp() // MINUTE)
        for line in lines.values()
    ]
    frozen = [
        (date.fromisoformat(day) - EPOCH).days if (day := line.get("frozen_as_of")) else NOT_FROZEN
        for line in lines.values()
    ]
    return _score_row(
        card,
        receipt["version"]["hash"],
        account_id=int(receipt["account"]),
        as_of=date.fromisoformat(receipt["as_of"]),
        values=values,
        minutes=minutes,
        frozen=frozen,
    )


def _score_row(
    card: Card,
    version_hash: str,
    *,
    account_id: int,
    as_of: date,
    values: list[float],
    minutes: list[int],
    frozen: list[int],
) -> Results:
    row = Values(
        np.array([account_id]),
        np.array([values], np.float64),
        np.array([minutes], np.int32),
        np.array([frozen], np.int32),
    )
    return score_values(card, version_hash, row, as_of)
