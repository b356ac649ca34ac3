"""Addresses of the pages of health."""

from django.urls import path

from health.views import incidents, quarantine, scorecards, sources

urlpatterns = [
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
    path("settings/scorecards/<int:pk>/", scorecards.scorecard, name="scorecard"),
]
