"""Conditions about an account's scores: health, success and happiness, each by its main scorecard."""

from accounts.conditions import Field, FieldType, Moment, Sql, register_field
from accounts.conditions.catalogue import Params, Source
from health.corners import LINE, Corner
from health.enums import ScoreKind
from health.scorecards import Band

GROUP = "Health"
CHANGE_DAYS = 30
# Scores are kept daily, and weekly beyond a hundred days; what is older than this says nothing about a day.
STALE_DAYS = 8

_BAND_WORD = "CASE {band} " + " ".join(f"WHEN {band.value} THEN '{band.word}'" for band in Band) + " END"


def _now(expression: str, kind: ScoreKind = ScoreKind.HEALTH) -> Source:
    text = (
        f"SELECT c.account_id AS id, {expression} AS value FROM health_currentscore AS c"  # noqa: S608 -- constants
        f" WHERE c.main_of = '{kind.value}' AND c.deleted_at IS NULL"
    )
    return lambda _params, _moment: Sql(text)


def _dated(expression: str, kind: ScoreKind = ScoreKind.HEALTH) -> Source:
    def source(_params: Params, moment: Moment) -> Sql:
        text = f"SELECT s.account_id AS id, {expression} AS value FROM ({_snapshots(0, kind)}) AS s"  # noqa: S608 -- constants
        return Sql(text, {"day": moment.whole_days_until.date()})

    return source


def _snapshots(days_before: int, kind: ScoreKind = ScoreKind.HEALTH) -> str:
    """Return SQL for the newest snapshot of each account's main scorecard some days before %(day)s."""
    day = f"%(day)s::date - {days_before}"
    return (
        "SELECT DISTINCT ON (p.account_id) p.account_id::bigint AS account_id, p.score, p.band, p.confidence"  # noqa: S608
        " FROM health_scoresnapshot AS p JOIN health_currentscore AS c ON c.account_id = p.account_id"
        f" AND c.scorecard_id = p.scorecard_id AND c.main_of = '{kind.value}'"
        f" WHERE p.as_of <= {day} AND p.as_of > {day} - {STALE_DAYS} AND p.recorded_by <= %(recorded_by)s"
        " ORDER BY p.account_id, p.as_of DESC, p.revision DESC"
    )


def _change(_params: Params, moment: Moment) -> Sql:
    return Sql(
        "SELECT s.account_id AS id, (nullif(s.score, -1) - nullif(b.score, -1)) / 100.0 AS value"  # noqa: S608
        f" FROM ({_snapshots(0)}) AS s JOIN ({_snapshots(CHANGE_DAYS)}) AS b ON b.account_id = s.account_id",
        {"day": moment.whole_days_until.date()},
    )


_CORNER = (
    f"CASE WHEN {{success}} >= {LINE} AND {{happiness}} >= {LINE} THEN '{Corner.THRIVING}'"
    f" WHEN {{success}} >= {LINE} AND {{happiness}} < {LINE} THEN '{Corner.UNHAPPY}'"
    f" WHEN {{success}} < {LINE} AND {{happiness}} >= {LINE} THEN '{Corner.FAILING}'"
    f" WHEN {{success}} < {LINE} AND {{happiness}} < {LINE} THEN '{Corner.TROUBLE}' END"
)


def _corner(_params: Params, moment: Moment) -> Sql:
    corner = _CORNER.format(success="(nullif(s.score, -1) / 100.0)", happiness="(nullif(h.score, -1) / 100.0)")
    return Sql(
        f"SELECT s.account_id AS id, {corner} AS value FROM ({_snapshots(0, ScoreKind.SUCCESS)}) AS s"  # noqa: S608
        f" JOIN ({_snapshots(0, ScoreKind.HAPPINESS)}) AS h ON h.account_id = s.account_id",
        {"day": moment.whole_days_until.date()},
    )


_CORNER_NOW = Sql(
    f"SELECT s.account_id AS id, {_CORNER.format(success='s.score', happiness='h.score')} AS value"  # noqa: S608
    " FROM health_currentscore AS s JOIN health_currentscore AS h ON h.account_id = s.account_id"
    " WHERE s.main_of = 'success' AND h.main_of = 'happiness' AND s.deleted_at IS NULL AND h.deleted_at IS NULL"
)

register_field(
    Field(
        "health_score",
        "Health score",
        FieldType.NUMBER,
        GROUP,
        _dated("nullif(s.score, -1) / 100.0"),
        live_source=_now("c.score"),
    ),
    Field(
        "health_band",
        "Health band",
        FieldType.CHOICE,
        GROUP,
        _dated(_BAND_WORD.format(band="s.band")),
        choices=lambda: [(band.word, band.label) for band in sorted(Band, reverse=True)],
        default="'unknown'",
        live_source=_now(_BAND_WORD.format(band="c.band")),
    ),
    Field(
        "health_change",
        f"Change of the health score in {CHANGE_DAYS} days",
        FieldType.NUMBER,
        GROUP,
        _change,
        live_source=_now("c.score - c.previous_score"),
    ),
    Field(
        "health_confidence",
        "Confidence of the health score",
        FieldType.NUMBER,
        GROUP,
        _dated("s.confidence"),
        unit="%",
        live_source=_now("c.confidence"),
    ),
    *(
        Field(
            f"{kind.value}_score",
            f"{kind.label} score",
            FieldType.NUMBER,
            GROUP,
            _dated("nullif(s.score, -1) / 100.0", kind),
            live_source=_now("c.score", kind),
        )
        for kind in (ScoreKind.SUCCESS, ScoreKind.HAPPINESS)
    ),
    Field(
        "corner",
        "Success and happiness",
        FieldType.CHOICE,
        GROUP,
        _corner,
        choices=lambda: [(corner.value, corner.label) for corner in Corner],
        live_source=lambda _params, _moment: _CORNER_NOW,
    ),
)
