"""What came out of a computation, and which of it is new. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from health.rollup import Rolled
from health.scorecards import Band, Card
from health.scoring import UNKNOWN, Scores, bands

POSTGRES_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 -- naive, as numpy counts

HASHED_ARRAYS = [("value", "<f8"), ("fresh", "<i4"), ("points", "<i2"), ("contribution", "<i2")]

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]
Rows = npt.NDArray[Any]


@dataclass(frozen=True)
class Results:
    """Scores of accounts with the minutes of their newest inputs; every array has one row for each.

    overrides: the score in hundredths that is shown in the place of the computed one, UNKNOWN where
    none is; None: nowhere.
    """

    account_ids: Ints
    fresh: npt.NDArray[np.int32]
    scores: Scores
    hashes: npt.NDArray[np.void]
    overrides: npt.NDArray[np.int16] | None = None
    children: Mapping[int, Rolled] = field(default_factory=dict)
    """By account, what its score was made from where it is that of the accounts below it."""

    def __len__(self) -> int:
        return len(self.account_ids)

    def take(self, places: Places) -> "Results":
        frames = {name: frame.iloc[places] for name, frame in vars(self.scores).items()}
        overrides = None if self.overrides is None else self.overrides[places]
        return replace(
            self,
            account_ids=self.account_ids[places],
            fresh=self.fresh[places],
            scores=Scores(**frames),
            hashes=self.hashes[places],
            overrides=overrides,
        )

    @property
    def shown_overrides(self) -> npt.NDArray[np.int16]:
        return np.full(len(self), UNKNOWN, np.int16) if self.overrides is None else self.overrides


def with_overrides(card: Card, results: Results, overrides: Mapping[int, int]) -> Results:
    """Put scores (hundredths, by account id) in the place of the computed ones; what else was computed stays.

    The hash is then the SHA-256 of the computed result's and the override as little-endian int16.
    """
    places = np.flatnonzero(np.isin(results.account_ids, np.fromiter(overrides, np.int64, len(overrides))))
    if not len(places):
        return results
    shown = np.full(len(results), UNKNOWN, np.int16)
    shown[places] = [overrides[int(pk)] for pk in results.account_ids[places]]
    accounts, hashes = results.scores.accounts.copy(), results.hashes.copy()
    score = np.where(shown == UNKNOWN, accounts["score"].to_numpy(), shown)
    accounts["score"] = score.astype(np.int16)
    accounts["band"] = bands(card, score.astype(np.float64)).astype(np.int8)
    for place in places:
        hashes[place] = hashlib.sha256(hashes[place].tobytes() + shown[place].astype("<i2").tobytes()).digest()
    return replace(results, scores=replace(results.scores, accounts=accounts), hashes=hashes, overrides=shown)


def result_hashes(
    version_hash: str,
    account_ids: Ints,
    as_of: date,
    fresh: npt.NDArray[np.int32],
    scores: Scores,
    *,
    frozen: npt.NDArray[np.int32] | None = None,
) -> npt.NDArray[np.void]:
    """Return the SHA-256 of each result: the version and all that went in and came out.

    Of the version's hash as text, then little-endian: account int64, as_of int32 (days since 1970),
    score int16, band int8, confidence int8, then the arrays value float64, fresh int32, points
    int16, contribution int16; of a result with frozen measures also the days as of which they were
    read, int32, 0 for the others.
    """
    layout = [("account", "<i8", ()), ("as_of", "<i4", ()), ("score", "<i2", ()), ("band", "i1", ())]
    layout += [("confidence", "i1", ())]
    layout += [(name, kind, fresh.shape[1:]) for name, kind in HASHED_ARRAYS]
    rows = np.zeros(len(account_ids), np.dtype(layout))
    rows["account"], rows["as_of"] = account_ids, (as_of - date(1970, 1, 1)).days
    for name in ("score", "band", "confidence"):
        rows[name] = scores.accounts[name]
    value = scores.values.to_numpy()
    # Unknown has many spellings in binary.
    rows["value"] = np.where(np.isnan(value), np.nan, value)
    rows["fresh"], rows["points"], rows["contribution"] = fresh, scores.points, scores.contributions
    prefix, data, size = hashlib.sha256(version_hash.encode()), rows.tobytes(), rows.itemsize
    hashes = np.empty(len(rows), "V32")
    for i in range(len(rows)):
        row_hash = prefix.copy()
        row_hash.update(data[i * size : (i + 1) * size])
        if frozen is not None and frozen[i].any():
            row_hash.update(frozen[i].astype("<i4").tobytes())
        hashes[i] = row_hash.digest()
    return hashes


@dataclass(frozen=True)
class Plan:
    """What to write: the results that are new, each with its revision, and what has to go.

    superseded: snapshots (account, revision) of the running day that give way.
    gone_ids: accounts that have a current score but were not scored any more.
    """

    results: Results
    revision: Ints
    is_band_change: npt.NDArray[np.bool_]
    superseded_ids: Ints
    superseded_revisions: Ints
    gone_ids: Ints


def decide(results: Results, current: Rows, newest: Rows, *, as_of: date, recorded_by: datetime, is_live: bool) -> Plan:
    """Say which results are new against the current scores and the newest snapshots as of that day.

    `current` and `newest` as snapshots.py reads them, in order of account. A live result is late,
    and dropped, when the current score counts more: a later day, or what was recorded later.
    """
    day, moment = postgres_day(as_of), postgres_microseconds(recorded_by)
    is_later = (current["as_of"] > day) | ((current["as_of"] == day) & (current["recorded_by"] >= moment))
    here = places_in(current, results.account_ids)
    there = places_in(newest, results.account_ids)
    has_current = (here >= 0) & ~_at(current["is_deleted"], here)
    is_same = (there >= 0) & (_at(newest["hash"], there) == results.hashes)
    if is_live:
        late = (here >= 0) & _at(is_later, here)
        is_new = ~late & ~(is_same & has_current & (_at(current["as_of"], here) == day))
        band = results.scores.accounts["band"].to_numpy()
        changed = band != np.where(has_current, _at(current["band"], here), Band.UNKNOWN)
        gives_way = is_new & (there >= 0) & ~_at(newest["is_band_change"], there)
        gone = ~current["is_deleted"] & ~is_later & ~np.isin(current["account"], results.account_ids)
    else:
        is_new = ~is_same
        changed = gives_way = np.zeros(len(results), bool)
        gone = np.zeros(len(current), bool)
    revision = np.where(there >= 0, _at(newest["revision"], there), 0).astype(np.int64) + 1
    return Plan(
        results=results.take(np.flatnonzero(is_new)),
        revision=revision[is_new],
        is_band_change=changed[is_new],
        superseded_ids=results.account_ids[gives_way],
        superseded_revisions=revision[gives_way] - 1,
        gone_ids=current["account"][gone].astype(np.int64),
    )


def places_in(rows: Rows, account_ids: Ints) -> Places:
    """Return where each account stands in rows ordered by account, −1 where it does not."""
    if not len(rows):
        return np.full(len(account_ids), -1, np.intp)
    place = np.minimum(np.searchsorted(rows["account"], account_ids), len(rows) - 1)
    return np.where(rows["account"][place] == account_ids, place, -1)


def postgres_microseconds(moment: datetime) -> int:
    """Return an instant as PostgreSQL counts them: microseconds since 2000."""
    return int(np.timedelta64(moment.astimezone(UTC).replace(tzinfo=None) - POSTGRES_EPOCH, "us").astype(np.int64))


def postgres_day(day: date) -> int:
    return (day - POSTGRES_EPOCH.date()).days


def _at(column: npt.NDArray[Any], places: Places) -> npt.NDArray[Any]:
    """Return the column at each place; whatever it holds where the place is −1, any value if it is empty."""
    if not len(column):
        return np.zeros(len(places), column.dtype)
    return column[places]
