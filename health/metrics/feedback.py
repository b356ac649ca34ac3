"""Metrics over what people say: survey answers, and the CSM's own sentiment."""

from accounts.enums import SurveyKind
from accounts.models.times import VISIBLE, VISIBLE_LIVE
from health.enums import FeedKind
from health.metrics.query import Column, Query, RowPass
from health.metrics.registry import Metric, MetricUse, Parameter, register
from health.metrics.usage import window

FAMILY = "Feedback"
FEEDS = frozenset({FeedKind.SURVEYS})
PEOPLE = frozenset({"persona", "role"})
# The answers that complain: detractors, and the lower half of the other scales.
COMPLAINT_UP_TO = {SurveyKind.NPS: 6, SurveyKind.CSAT: 2, SurveyKind.CES: 3}
SURVEY_PARAMETERS = (
    window(180),
    Parameter(
        "minimum", "Fewest answers", default=1, unit="answers", minimum=1, maximum=1000,
        help="With fewer answers in the window the value is unknown.",
    ),
)  # fmt: skip


def _answers(query: Query, use: MetricUse) -> RowPass:
    return query.rows(
        "SELECT s.account_id, s.kind, s.score, s.occurred_at FROM accounts_surveyresponse s"
        f" WHERE {VISIBLE_LIVE.format(t='s')} AND {query.accounts.holds('s.account_id')}"
        f" AND {query.in_scope(use.scope, 's')}"
    )


def _survey(query: Query, use: MetricUse, kind: str, aggregate: str) -> Column:
    """Return an aggregate over the answers of a kind in the window; {these} stands for its filter."""
    answers = _answers(query, use)
    days = use["days"]
    these = f"FILTER (WHERE r.kind = '{kind}' AND r.occurred_at >= %(as_of)s - interval '{days} days')"
    number = answers.column(f"count(*) {these}")
    value = answers.column(aggregate.format(these=these))
    newest = answers.column(f"max(r.occurred_at) {these}")
    return Column(f"CASE WHEN {number} >= {use['minimum']} THEN {value} END", newest)


def _csat(query: Query, use: MetricUse) -> Column:
    return _survey(query, use, SurveyKind.CSAT, "avg(r.score) {these}")


def _ces(query: Query, use: MetricUse) -> Column:
    return _survey(query, use, SurveyKind.CES, "avg(r.score) {these}")


def _nps(query: Query, use: MetricUse) -> Column:
    opinion = "100 * avg(CASE WHEN r.score >= 9 THEN 1 WHEN r.score <= 6 THEN -1 ELSE 0 END) {these}"
    return _survey(query, use, SurveyKind.NPS, opinion)


def _indispensability(query: Query, use: MetricUse) -> Column:
    return _survey(query, use, SurveyKind.INDISPENSABLE, "avg(r.score) {these}")


def _complaints(query: Query, use: MetricUse) -> Column:
    answers = _answers(query, use)
    recent = f"r.occurred_at >= %(as_of)s - interval '{use['days']} days'"
    complains = " OR ".join(f"r.kind = '{kind}' AND r.score <= {highest}" for kind, highest in COMPLAINT_UP_TO.items())
    number = answers.column(f"count(*) FILTER (WHERE {recent})")
    unhappy = answers.column(f"count(*) FILTER (WHERE {recent} AND ({complains}))")
    return Column(
        f"CASE WHEN {number} > 0 THEN {unhappy} END", answers.column(f"max(r.occurred_at) FILTER (WHERE {recent})")
    )


def _sentiment(query: Query, use: MetricUse) -> Column:
    newest = query.rows(
        "SELECT DISTINCT ON (s.account_id) s.account_id, s.level, s.occurred_at FROM accounts_sentiment s"
        f" WHERE {VISIBLE.format(t='s')} AND {query.accounts.holds('s.account_id')}"
        " ORDER BY s.account_id, s.occurred_at DESC, s.id DESC"
    )
    at = newest.column("max(r.occurred_at)")
    recent = f"{at} >= %(as_of)s - interval '{use['days']} days'"
    return Column(f"CASE WHEN {recent} THEN {newest.column('max(r.level)')} END", at)


register(
    Metric(
        "csat", "CSAT", "of 5", FAMILY,
        "Mean satisfaction, 1 to 5, over answers in the window.",
        "Too few answers in the window.", _csat, SURVEY_PARAMETERS, PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "nps", "NPS", "", FAMILY,
        "Net promoter score, −100 to 100: share of 9 and 10 less share of 0 to 6, over answers in the window.",
        "Too few answers in the window.", _nps, SURVEY_PARAMETERS, PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "ces", "CES", "of 7", FAMILY,
        "Mean ease, 1 to 7, over answers in the window.",
        "Too few answers in the window.", _ces, SURVEY_PARAMETERS, PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "indispensability", "Indispensability", "of 5", FAMILY,
        "Mean answer to “How hard would it be to reach your goals without us?”, 1 to 5, over answers in the window.",
        "Too few answers in the window.", _indispensability, SURVEY_PARAMETERS, PEOPLE,
    )
)  # fmt: skip
register(
    Metric(
        "complaints", "Complaints", "answers", FAMILY,
        "Answers that complain in the window: NPS 0 to 6, CSAT 1 or 2, CES 1 to 3.",
        "Nobody answered any survey in the window.", _complaints, (window(180),), PEOPLE,
    )
)  # fmt: skip
register(
    Metric(
        "csm_sentiment", "CSM sentiment", "of 5", FAMILY,
        "The newest judgement of the CSM, 1 (very poor) to 5 (very good).",
        "No judgement within the limit.", _sentiment,
        (
            Parameter(
                "days", "Limit", default=90, unit="days", minimum=1, maximum=3650,
                help="An older judgement no longer counts.",
            ),
        ),
    )
)  # fmt: skip
