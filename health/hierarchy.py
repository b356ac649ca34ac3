"""Scores of parents, from the accounts below them: who stands below whom, and what that comes to.

The tree is the present one: who stood below whom in the past is not kept. A snapshot therefore
keeps its children, so that a replay needs no tree.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np
from django.db import connection

from health.frozen_values import read_with_freezes
from health.metrics.query import AccountSet
from health.metrics.registry import clean_use
from health.results import Results
from health.rollup import UNKNOWN, Child, Edge, Rolled, above, below, families, levels, roll_up
from health.scorecards import Card, Rollup
from health.scoring import bands, canonical

ARR = clean_use({"metric": "arr"})


def read_edges(*, with_deleted: bool = False) -> list[Edge]:
    """Return (account, its parent) for every account that has one."""
    only = "" if with_deleted else " AND deleted_at IS NULL"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, parent_id FROM accounts_account WHERE parent_id IS NOT NULL{only}")  # noqa: S608
        return list(cursor.fetchall())


def with_ancestors(ids: Iterable[int]) -> tuple[int, ...]:
    """Return accounts with everybody above them, whose scores may rest on theirs."""
    found = set(ids)
    return tuple(sorted(found | above(families(read_edges(with_deleted=True)), found)))


def rolled_results(
    card: Card,
    results: Results,
    compute: Callable[[AccountSet], Results],
    *,
    as_of: datetime,
    recorded_by: datetime,
    shown: Callable[[AccountSet], Mapping[int, int]] | None = None,
) -> Results:
    """Return results with the scores of parents made from those below them, as the card says.

    `compute` scores accounts that are not among the results by the same facts. `shown` says which scores
    (hundredths, by account id) people have set in the place of computed ones.
    """
    if card.rollup is Rollup.OWN:
        return results
    tree = families(read_edges())
    parents = [pk for pk in results.account_ids.tolist() if pk in tree]
    if not parents:
        return results
    family = below(tree, parents)
    scores = _scores(results, family)
    if missing := sorted(family - scores.keys()):
        scores |= _scores(compute(AccountSet(ids=tuple(missing))), family)
    overrides = shown(AccountSet(ids=tuple(sorted(family)))) if shown else {}
    scores |= {pk: (score, scores[pk][1]) for pk, score in overrides.items() if pk in scores}
    weights: Mapping[int, float | None] = dict.fromkeys(family, 1.0)
    if card.rollup is Rollup.REVENUE_WEIGHTED:
        weights = _revenue(family, as_of=as_of, recorded_by=recorded_by)
    rolled = {}
    for level in levels(tree, parents):
        for parent in level:
            children = [Child(pk, *scores.get(pk, (UNKNOWN, 0)), weights.get(pk)) for pk in tree[parent]]
            rolled[parent] = roll_up(card.rollup, children, minimum_confidence=card.minimum_confidence)
            if parent in scores and parent not in overrides:
                scores[parent] = rolled[parent].score, rolled[parent].confidence
    return with_children(card, results, {pk: rolled[pk] for pk in parents})


def with_children(card: Card, results: Results, rolled: Mapping[int, Rolled]) -> Results:
    """Put the scores that children give in the place of those by own measures, which move nothing then.

    The hash is then the SHA-256 of the own result's and the children as JSON (rollup.Rolled.canonical).
    """
    places = np.flatnonzero(np.isin(results.account_ids, np.fromiter(rolled, np.int64, len(rolled))))
    if not len(places):
        return results
    accounts, hashes = results.scores.accounts.copy(), results.hashes.copy()
    contributions = results.scores.contributions.copy()
    found = [rolled[int(pk)] for pk in results.account_ids[places]]
    score, confidence = accounts["score"].to_numpy().copy(), accounts["confidence"].to_numpy().copy()
    score[places], confidence[places] = [each.score for each in found], [each.confidence for each in found]
    accounts["score"], accounts["confidence"] = score, confidence
    accounts["band"] = bands(card, score.astype(np.float64)).astype(np.int8)
    contributions.iloc[places] = 0
    for place, each in zip(places, found, strict=True):
        hashes[place] = hashlib.sha256(hashes[place].tobytes() + each.canonical()).digest()
    scores = replace(results.scores, accounts=accounts, contributions=contributions)
    return replace(results, scores=scores, hashes=hashes, children={**results.children, **rolled})


def _scores(results: Results, wanted: set[int]) -> dict[int, tuple[int, int]]:
    """Return (score in hundredths, confidence) of those wanted that were scored."""
    places = np.flatnonzero(np.isin(results.account_ids, np.fromiter(wanted, np.int64, len(wanted))))
    ids = results.account_ids[places].tolist()
    rows = results.scores.accounts.iloc[places]
    return dict(zip(ids, zip(rows["score"].tolist(), rows["confidence"].tolist(), strict=True), strict=True))


def _revenue(accounts: set[int], *, as_of: datetime, recorded_by: datetime) -> dict[int, float | None]:
    """Return the ARR of accounts to 6 significant digits; None: unknown."""
    values = read_with_freezes(
        [ARR], AccountSet(ids=tuple(sorted(accounts))), as_of=as_of, recorded_by=recorded_by, live=True
    )
    amounts = canonical(values.value)[:, 0]
    return {
        pk: None if np.isnan(amount) else max(0.0, float(amount))
        for pk, amount in zip(values.account_ids.tolist(), amounts, strict=True)
    }
