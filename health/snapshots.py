"""How results get into the tables, and what is there already.

Set-wise SQL; services/scores.py says in which order, and holds the lock.
"""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from accounts.enums import Origin
from accounts.events import write_selected_events
from health.metrics.query import AccountSet
from health.models import Scorecard, ScorecardVersion
from health.packed import Rows, read_rows, write_rows
from health.results import Ints, Results, postgres_day, postgres_microseconds
from health.scorecards import Band
from health.scoring import UNKNOWN

PREVIOUS_DAYS = 30


def read_current(scorecard: Scorecard, accounts: AccountSet) -> Rows:
    """Return the current scores, deleted ones too, in order of account."""
    return read_rows(
        "SELECT account_id, band, version_id::int4, as_of, recorded_by, revision, deleted_at IS NOT NULL"  # noqa: S608
        f" FROM health_currentscore WHERE scorecard_id = %(scorecard)s AND {accounts.holds('account_id')}"
        " ORDER BY account_id",
        {"scorecard": scorecard.pk},
        [
            ("account", "int8"),
            ("band", "int2"),
            ("version", "int4"),
            ("as_of", "date"),
            ("recorded_by", "timestamptz"),
            ("revision", "int2"),
            ("is_deleted", "bool"),
        ],
    )


def read_newest(scorecard: Scorecard, accounts: AccountSet, as_of: date) -> Rows:
    """Return the newest snapshot of each account as of a day, in order of account."""
    return read_rows(
        "SELECT DISTINCT ON (account_id) account_id::int8, revision, is_band_change, hash"  # noqa: S608
        " FROM health_scoresnapshot WHERE scorecard_id = %(scorecard)s AND as_of = %(as_of)s"
        f" AND {accounts.holds('account_id')} ORDER BY account_id, revision DESC",
        {"scorecard": scorecard.pk, "as_of": as_of},
        [("account", "int8"), ("revision", "int2"), ("is_band_change", "bool"), ("hash", "sha256")],
    )


def copy_snapshots(
    version: ScorecardVersion,
    results: Results,
    *,
    as_of: date,
    recorded_by: datetime,
    revision: Ints,
    is_band_change: npt.NDArray[np.bool_],
) -> None:
    """Write a snapshot of each result."""
    scores = results.scores
    write_rows(
        "health_scoresnapshot",
        {
            "account_id": ("int4", results.account_ids),
            "scorecard_id": ("int4", version.scorecard_id),
            "version_id": ("int4", version.pk),
            "as_of": ("date", postgres_day(as_of)),
            "recorded_by": ("timestamptz", postgres_microseconds(recorded_by)),
            "revision": ("int2", revision),
            "score": ("int2", scores.accounts["score"]),
            "band": ("int2", scores.accounts["band"]),
            "confidence": ("int2", scores.accounts["confidence"]),
            "is_band_change": ("bool", is_band_change),
            "override": ("int2", results.shown_overrides),
            "hash": ("sha256", results.hashes),
        },
        {
            "value": ("float4", scores.values.to_numpy()),
            "fresh": ("int4", results.fresh),
            "points": ("int2", scores.points.to_numpy()),
            "contribution": ("int2", scores.contributions.to_numpy()),
        },
    )


def keep_children(scorecard: Scorecard, results: Results, *, as_of: date, recorded_by: datetime) -> None:
    """Write with the new snapshots of parents which children their scores were made from."""
    new = set(results.account_ids.tolist())
    rolled = {pk: each for pk, each in results.children.items() if pk in new}
    if rolled:
        _execute(
            "UPDATE health_scoresnapshot s SET children = new.children"
            " FROM unnest(%(parents)s::int[], %(children)s::jsonb[]) AS new (account_id, children)"
            " WHERE s.account_id = new.account_id AND s.scorecard_id = %(scorecard)s AND s.as_of = %(as_of)s"
            " AND s.recorded_by = %(recorded_by)s",
            {
                "scorecard": scorecard.pk,
                "as_of": as_of,
                "recorded_by": recorded_by,
                "parents": list(rolled),
                "children": [each.canonical().decode() for each in rolled.values()],
            },
        )


def delete_superseded(scorecard: Scorecard, as_of: date, account_ids: Ints, revisions: Ints) -> None:
    """Delete snapshots of the running day that newer ones replace."""
    if len(account_ids):
        _execute(
            "DELETE FROM health_scoresnapshot s "
            " USING unnest(%(accounts)s::int[], %(revisions)s::int[]) old (id, revision)"
            " WHERE s.account_id = old.id AND s.revision = old.revision AND s.scorecard_id = %(scorecard)s"
            " AND s.as_of = %(as_of)s",
            {
                "accounts": _array(account_ids),
                "revisions": _array(revisions),
                "scorecard": scorecard.pk,
                "as_of": as_of,
            },
        )


_FRESH = (
    "s.scorecard_id = %(scorecard)s AND s.as_of = %(as_of)s AND s.recorded_by = %(recorded_by)s"
    " AND s.account_id = ANY(%(accounts)s::int[])"
)
_BAND_WORD = (
    "(ARRAY[" + ", ".join(f"'{band.word}'" for band in sorted(Band)) + "])[{band} + 1]"
)  # PostgreSQL counts from 1


def write_band_changes(scorecard: Scorecard, accounts: Ints, *, as_of: date, recorded_by: datetime, origin: str) -> int:
    """Write an event for each band that changed with the new snapshots, before the current scores follow.

    The first band an account ever gets is a first score, one that a new version gives is configuration.
    """
    return write_selected_events(
        "SELECT 'band.changed', s.account_id, s.recorded_by, s.recorded_by, CASE"  # noqa: S608 -- constants
        " WHEN c.id IS NULL OR c.deleted_at IS NOT NULL OR c.band = 0 AND NOT EXISTS ("
        "SELECT FROM accounts_accountevent e WHERE e.account_id = s.account_id AND e.kind = 'band.changed'"
        " AND (e.payload ->> 'scorecard_id')::int = s.scorecard_id)"
        f" THEN '{Origin.FIRST_SCORE}' WHEN c.version_id <> s.version_id THEN '{Origin.CONFIGURATION}'"
        " ELSE %(origin)s END, jsonb_build_object('scorecard_id', s.scorecard_id, 'version_id', s.version_id,"
        f" 'from', {_BAND_WORD.format(band='coalesce(c.band, 0)')}, 'to', {_BAND_WORD.format(band='s.band')},"
        f" 'score', nullif(s.score, {UNKNOWN}) / 100.0, 'as_of', s.as_of, 'revision', s.revision)"
        " || CASE WHEN s.override >= 0 THEN '{\"is_overridden\": true}'::jsonb ELSE '{}' END"
        " FROM health_scoresnapshot s LEFT JOIN health_currentscore c ON c.account_id = s.account_id"
        f" AND c.scorecard_id = s.scorecard_id WHERE {_FRESH} AND s.is_band_change",
        {
            "scorecard": scorecard.pk,
            "as_of": as_of,
            "recorded_by": recorded_by,
            "origin": origin,
            "accounts": _array(accounts),
        },
    )


def follow_with_current(scorecard: Scorecard, accounts: Ints, *, as_of: date, recorded_by: datetime) -> None:
    """Bring the current scores up to the snapshots that were just written."""
    params = {
        "scorecard": scorecard.pk,
        "as_of": as_of,
        "recorded_by": recorded_by,
        "before": as_of - timedelta(days=PREVIOUS_DAYS),
        "accounts": _array(accounts),
    }
    news = (
        f"SELECT s.*, nullif(s.score, {UNKNOWN}) / 100.0 AS shown,"  # noqa: S608 -- constants
        f" nullif(p.score, {UNKNOWN}) / 100.0 AS previous"
        " FROM health_scoresnapshot s LEFT JOIN (SELECT DISTINCT ON (account_id) account_id, score"
        " FROM health_scoresnapshot WHERE scorecard_id = %(scorecard)s AND as_of = %(before)s"
        " AND account_id = ANY(%(accounts)s::int[]) ORDER BY account_id, revision DESC) p"
        f" ON p.account_id = s.account_id WHERE {_FRESH}"
    )
    _execute(
        "UPDATE health_currentscore c SET version_id = n.version_id, score = n.shown, band = n.band,"  # noqa: S608
        " is_overridden = n.override >= 0,"
        " confidence = n.confidence, previous_score = n.previous, as_of = n.as_of, recorded_by = n.recorded_by,"
        " revision = n.revision, hash = n.hash, deleted_at = NULL,"
        " band_changed_at = CASE WHEN n.band <> c.band THEN n.recorded_by ELSE c.band_changed_at END"
        f" FROM ({news}) n WHERE c.account_id = n.account_id AND c.scorecard_id = n.scorecard_id",
        params,
    )
    _execute(
        "INSERT INTO health_currentscore (account_id, scorecard_id, version_id, main_of, score, band, is_overridden,"  # noqa: S608
        " confidence,"
        " previous_score, band_changed_at, as_of, recorded_by, revision, hash, created_at, updated_at, row_version,"
        " change_xid, change_seq)"
        " SELECT n.account_id, n.scorecard_id, n.version_id, NULL, n.shown, n.band, n.override >= 0, n.confidence,"
        " n.previous,"
        " n.recorded_by, n.as_of, n.recorded_by, n.revision, n.hash, n.recorded_by, n.recorded_by, 1, 0, 0"
        f" FROM ({news}) n WHERE NOT EXISTS (SELECT FROM health_currentscore c"
        " WHERE c.account_id = n.account_id AND c.scorecard_id = n.scorecard_id)",
        params,
    )


def delete_current(scorecard: Scorecard, account_ids: Ints, *, now: datetime) -> None:
    """Leave tombstones for accounts that the scorecard no longer scores."""
    if len(account_ids):
        _execute(
            "UPDATE health_currentscore SET deleted_at = %(now)s, main_of = NULL"
            " WHERE scorecard_id = %(scorecard)s AND account_id = ANY(%(accounts)s::int[]) AND deleted_at IS NULL",
            {"now": now, "scorecard": scorecard.pk, "accounts": _array(account_ids)},
        )


def delete_all_current(scorecard: Scorecard, *, now: datetime) -> None:
    """Leave tombstones for all accounts of a scorecard that stops."""
    _execute(
        "UPDATE health_currentscore SET deleted_at = %(now)s, main_of = NULL"
        " WHERE scorecard_id = %(scorecard)s AND deleted_at IS NULL",
        {"now": now, "scorecard": scorecard.pk},
    )


def choose_main(accounts: AccountSet) -> None:
    """Mark each account's main scores: of each kind, that of the first live scorecard which scores it."""
    best = (
        "SELECT DISTINCT ON (c.account_id, k.kind) c.id, k.kind FROM health_currentscore c"  # noqa: S608 -- constants
        " JOIN health_scorecard k ON k.id = c.scorecard_id AND k.is_live"
        f" WHERE c.deleted_at IS NULL AND {accounts.holds('c.account_id')}"
        " ORDER BY c.account_id, k.kind, k.position, k.id"
    )
    # One after the other: two main scores of an account and kind at a time are refused.
    _execute(
        f"UPDATE health_currentscore SET main_of = NULL WHERE main_of IS NOT NULL AND {accounts.holds('account_id')}"  # noqa: S608
        f" AND id NOT IN (SELECT b.id FROM ({best}) b)",
        {},
    )
    _execute(
        f"UPDATE health_currentscore c SET main_of = b.kind FROM ({best}) b WHERE b.id = c.id AND c.main_of IS NULL",  # noqa: S608
        {},
    )


def _array(numbers: npt.NDArray[Any]) -> str:
    return f"{{{','.join(map(str, numbers.tolist()))}}}"


def _execute(sql: str, params: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
