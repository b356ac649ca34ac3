"""What the pages about scorecards show: who is scored, how sure, and what each measure rests on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, Q

from health.draft_preview import condition_words
from health.metrics.registry import Metric, get_metric
from health.models import CurrentScore, Scorecard, ScorecardDraft, ScorecardVersion
from health.receipts import limit_rule, scope_names, use_text, use_words
from health.scorecard_changes import Change, changes_between
from health.scorecards import Band, Card, Effect, Group, Limit, Measure

# Coverage is counted over about this many accounts, spread evenly over all.
SAMPLE_ACCOUNTS = 5_000
# scoring.FIRED; scoring is not imported here, because it brings pandas along.
FIRED = 10_000
FULL_CONFIDENCE = 100


@dataclass(frozen=True)
class Coverage:
    """How a scorecard's current scores stand. `incomplete`: accounts with any missing or too old data."""

    accounts: int = 0
    incomplete: int = 0
    confidence: float | None = None
    bands: tuple[tuple[str, int], ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.bands)

    @property
    def incomplete_percent(self) -> int | None:
        return round(100 * self.incomplete / self.accounts) if self.accounts else None


@dataclass(frozen=True)
class ListedScorecard:
    scorecard: Scorecard
    applies_to: str
    measure_count: int
    coverage: Coverage


@dataclass(frozen=True)
class NodeRow:
    """A group or measure of a version. `share`: percent of the whole; `known`: percent of accounts with fresh data."""

    label: str
    depth: int
    share: float
    measure: Measure | None = None
    metric: Metric | None = None
    about: str = ""
    known: int | None = None


@dataclass(frozen=True)
class LimitRow:
    """A cap, floor or veto of a version. `firing`: the percent of accounts on which it fires; None without scores."""

    limit: Limit
    about: str
    rule: str
    firing: int | None

    @property
    def effect(self) -> str:
        return {Effect.CAP: "Cap", Effect.FLOOR: "Floor", Effect.VETO: "Veto"}[self.limit.effect]


def scorecard_list() -> list[ListedScorecard]:
    """Return every scorecard, the most important first. Two queries."""
    coverage = coverages()
    return [
        ListedScorecard(
            scorecard=scorecard,
            applies_to=applies_to(scorecard.version),
            measure_count=len(scorecard.version.card().measures) if scorecard.version else 0,
            coverage=coverage.get(scorecard.pk, Coverage()),
        )
        for scorecard in Scorecard.objects.current().select_related("version__published_by", "owner")
    ]


def coverages() -> dict[int, Coverage]:
    """Return the coverage by scorecard."""
    counts: dict[str, Any] = {band.word: Count("pk", filter=Q(band=band)) for band in Band}
    rows: Iterable[Any] = (
        CurrentScore.objects.order_by()
        .values("scorecard_id")
        .annotate(
            accounts=Count("pk"),
            incomplete=Count("pk", filter=Q(confidence__lt=FULL_CONFIDENCE)),
            mean=Avg("confidence"),
            **counts,
        )
    )
    return {
        row["scorecard_id"]: Coverage(
            row["accounts"], row["incomplete"], row["mean"], tuple((band.word, row[band.word]) for band in Band)
        )
        for row in rows
    }


def applies_to(version: ScorecardVersion | None) -> str:
    """Say which accounts a version applies to."""
    words = condition_words(version.applies_to if version else None)
    return words[:1].upper() + words[1:]


def drafts_listed() -> list[ScorecardDraft]:
    """Return the drafts there are, the newest first."""
    return list(ScorecardDraft.objects.select_related("scorecard", "based_on", "updated_by"))


def changes_of(version: ScorecardVersion, versions: list[ScorecardVersion]) -> list[Change]:
    """Return what a version changed against the one before it; empty for the first."""
    before = next((each for each in versions if each.number < version.number), None)
    if before is None:
        return []
    old, new = before.card(), version.card()
    return changes_between(old, new, condition_words, scope_names(old) | scope_names(new))


def version_rows(version: ScorecardVersion, names: dict[str, str]) -> list[NodeRow]:
    """Return the groups and measures of a version as a page lists them."""
    card = version.card()
    return list(_rows(card.root, 0, card, known_shares(version), names))


def limit_rows(version: ScorecardVersion, names: dict[str, str]) -> list[LimitRow]:
    """Return the limits of a version as a page lists them; no query where it has none."""
    card = version.card()
    if not card.limits:
        return []
    fired = fired_shares(version)
    return [
        LimitRow(
            limit=limit,
            about=use_text(limit, use_words(limit.use, names)),
            rule=limit_rule(limit, card.held_at(limit)),
            firing=fired.get(place),
        )
        for place, limit in enumerate(card.limits, len(card.measures))
    ]


def known_shares(version: ScorecardVersion) -> dict[int, int]:
    """Return the percent of accounts with fresh data for each measure and limit, by its place; empty without scores.

    Over about SAMPLE_ACCOUNTS of those whose current score is by this version.
    """
    return _percents(version, above=0)


def fired_shares(version: ScorecardVersion) -> dict[int, int]:
    """Return the percent of accounts on which each limit fires, by its place; meaningless for measures."""
    return _percents(version, above=FIRED)


def _percents(version: ScorecardVersion, *, above: int) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH scored AS MATERIALIZED (
                SELECT account_id, scorecard_id, as_of, revision FROM health_currentscore
                WHERE version_id = %(version)s AND deleted_at IS NULL
            ), sample AS (
                SELECT * FROM scored
                WHERE account_id %% greatest(1, (SELECT count(*) / %(size)s FROM scored)) = 0 LIMIT 2 * %(size)s
            )
            SELECT place - 1, round(100.0 * avg((measured.one >= %(above)s)::int))::int
            FROM sample JOIN health_scoresnapshot s USING (account_id, scorecard_id, as_of, revision),
                unnest(s.points) WITH ORDINALITY AS measured (one, place)
            GROUP BY place
            """,
            {"version": version.pk, "size": SAMPLE_ACCOUNTS, "above": above},
        )
        return dict(cursor.fetchall())


def _rows(group: Group, depth: int, card: Card, known: dict[int, int], names: dict[str, str]) -> list[NodeRow]:
    shares, places = card.shares(), {measure.key: place for place, measure in enumerate(card.measures)}
    rows = []
    for child in group.children:
        if isinstance(child, Measure):
            rows.append(
                NodeRow(
                    label=child.label,
                    depth=depth,
                    share=round(100 * shares[child.key], 1),
                    measure=child,
                    metric=get_metric(child.use.metric),
                    about=use_text(child, use_words(child.use, names)),
                    known=known.get(places[child.key]),
                )
            )
        else:
            share = sum(shares[measure.key] for measure in child.measures())
            rows.append(NodeRow(child.label, depth, round(100 * share, 1)))
            rows += _rows(child, depth + 1, card, known, names)
    return rows
