"""Addresses of the pages of health."""

from django.urls import include, path

from health.views import (
    alert_rules,
    alerts,
    backtests,
    incidents,
    overrides,
    quarantine,
    scorecard_drafts,
    scorecards,
    sources,
)

urlpatterns = [
    path("accounts/<int:pk>/health/override/", overrides.override_set, name="override_set"),
    path("accounts/<int:pk>/health/override/<int:override_pk>/end/", overrides.override_end, name="override_end"),
    path("settings/scorecards/overrides/", overrides.override_list, name="override_list"),
    path("settings/sources/", sources.source_list, name="source_list"),
    path("settings/sources/new/", sources.source_add, name="source_add"),
    path("settings/sources/retry/", sources.ingest_retry, name="ingest_retry"),
    path("settings/sources/<int:pk>/", sources.source, name="source"),
    path("settings/sources/<int:pk>/switch/", sources.source_switch, name="source_switch"),
    path("settings/sources/<int:pk>/rotate/", sources.source_rotate, name="source_rotate"),
    path("settings/sources/incidents/", incidents.incident_list, name="incident_list"),
    path("settings/sources/incidents/new/", incidents.incident_add, name="incident_add"),
    path("settings/sources/incidents/<int:pk>/", incidents.incident, name="incident"),
    path("settings/sources/quarantine/", quarantine.rejected_list, name="rejected_list"),
    path("settings/sources/quarantine/<int:pk>/", quarantine.rejected, name="rejected"),
    path("settings/sources/quarantine/replay/", quarantine.rejected_replay, name="rejected_replay"),
    path("settings/sources/quarantine/discard/", quarantine.rejected_discard, name="rejected_discard"),
    path("settings/scorecards/", scorecards.scorecard_list, name="scorecard_list"),
    path("settings/scorecards/new/", scorecards.scorecard_new, name="scorecard_new"),
    path("settings/scorecards/<int:pk>/", scorecards.scorecard, name="scorecard"),
    path("settings/scorecards/<int:scorecard_pk>/backtests/", backtests.backtest_list, name="backtest_list"),
    path("settings/scorecards/<int:scorecard_pk>/backtests/new/", backtests.backtest_add, name="backtest_add"),
    path("settings/scorecards/<int:scorecard_pk>/backtests/<int:pk>/", backtests.backtest, name="backtest"),
    path(
        "settings/scorecards/<int:scorecard_pk>/backtests/<int:pk>/",
        include(
            [
                path("rows.csv", backtests.backtest_csv, name="backtest_csv"),
                path("cancel/", backtests.backtest_cancel, name="backtest_cancel"),
                path("restart/", backtests.backtest_restart, name="backtest_restart"),
                path("delete/", backtests.backtest_delete, name="backtest_delete"),
                path("draft/", backtests.learned_weights_draft, name="learned_weights_draft"),
                path("probability/", backtests.learned_probability, name="learned_probability"),
            ]
        ),
    ),
    path("settings/scorecards/<int:pk>/edit/", scorecards.scorecard_edit, name="scorecard_edit"),
    path("settings/scorecards/<int:pk>/settings/", scorecards.scorecard_settings, name="scorecard_settings"),
    path("settings/scorecards/<int:pk>/switch/", scorecards.scorecard_switch, name="scorecard_switch"),
    path("settings/scorecards/<int:pk>/move/", scorecards.scorecard_move, name="scorecard_move"),
    path("settings/scorecards/<int:pk>/archive/", scorecards.scorecard_archive, name="scorecard_archive"),
    path("settings/scorecards/<int:pk>/restore/", scorecards.scorecard_restore, name="scorecard_restore"),
    path("settings/scorecards/<int:pk>/yaml/", scorecards.scorecard_yaml, name="scorecard_yaml"),
    path(
        "settings/scorecards/<int:pk>/versions/<int:number>/roll-back/",
        scorecards.scorecard_roll_back,
        name="scorecard_roll_back",
    ),
    path("settings/scorecards/drafts/<int:pk>/", scorecard_drafts.scorecard_draft, name="scorecard_draft"),
    *(
        path(f"settings/scorecards/drafts/<int:pk>/{word}/", view, name=f"scorecard_draft_{word}")
        for word, view in (
            ("preview", scorecard_drafts.scorecard_draft_preview),
            ("changes", scorecard_drafts.scorecard_draft_changes),
            ("pin", scorecard_drafts.scorecard_draft_pin),
            ("publish", scorecard_drafts.scorecard_draft_publish),
            ("discard", scorecard_drafts.scorecard_draft_discard),
            ("yaml", scorecard_drafts.scorecard_draft_yaml),
        )
    ),
    path("alerts/", alerts.alert_list, name="alert_list"),
    path("alerts/budget/", alerts.alert_budget, name="alert_budget"),
    path("alerts/<int:pk>/acknowledge/", alerts.alert_acknowledge, name="alert_acknowledge"),
    path("alerts/<int:pk>/reopen/", alerts.alert_reopen, name="alert_reopen"),
    path("alerts/<int:pk>/close/", alerts.alert_close, name="alert_close"),
    path("alerts/<int:pk>/snooze/", alerts.alert_snooze, name="alert_snooze"),
    path("alerts/<int:pk>/mute/", alerts.alert_mute, name="alert_mute"),
    path("alerts/<int:pk>/judge/", alerts.alert_judge, name="alert_judge"),
    path("alerts/mutes/<int:pk>/end/", alerts.mute_end, name="alert_mute_end"),
    path("settings/alerts/", alert_rules.alert_rule_list, name="alert_rule_list"),
    path("settings/alerts/new/", alert_rules.alert_rule_add, name="alert_rule_add"),
    path("settings/alerts/budget/", alert_rules.alert_default_budget, name="alert_default_budget"),
    path("settings/alerts/<int:pk>/", alert_rules.alert_rule, name="alert_rule"),
    path("settings/alerts/<int:pk>/switch/", alert_rules.alert_rule_switch, name="alert_rule_switch"),
    path("settings/alerts/<int:pk>/delete/", alert_rules.alert_rule_delete, name="alert_rule_delete"),
]
