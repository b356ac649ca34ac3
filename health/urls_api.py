"""Addresses of the API of health."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from health.alert_api import AlertResource, AlertRuleResource
from health.api import AccountHealthView, HealthScoreResource
from health.api_overrides import ScoreOverrideResource
from health.backtest_api import BacktestResource
from health.incident_api import IncidentResource
from health.scorecard_api import ScorecardDraftResource, ScorecardResource, ScorecardVersionResource

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("score-overrides", ScoreOverrideResource, basename="api-score-override")
router.register("health-scores", HealthScoreResource, basename="api-health-score")
router.register("alerts", AlertResource, basename="api-alert")
router.register("alert-rules", AlertRuleResource, basename="api-alert-rule")
router.register("incidents", IncidentResource, basename="api-incident")
router.register("scorecards", ScorecardResource, basename="api-scorecard")
router.register("scorecard-versions", ScorecardVersionResource, basename="api-scorecard-version")
router.register("scorecard-drafts", ScorecardDraftResource, basename="api-scorecard-draft")
router.register("backtests", BacktestResource, basename="api-backtest")

urlpatterns = [
    *router.urls,
    path("accounts/<str:pk>/score-history", AccountHealthView.as_view({"get": "list"}), name="api-score-history"),
    path("accounts/<str:pk>/score-change", AccountHealthView.as_view({"get": "change"}), name="api-score-change"),
    path("accounts/<str:pk>/receipt", AccountHealthView.as_view({"get": "receipt"}), name="api-receipt"),
]
