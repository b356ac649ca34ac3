"""Every address of the product."""

from django.urls import URLPattern, URLResolver, include, path

from cs_platform.pages import (
    account,
    account_columns,
    account_health,
    account_selection,
    accounts,
    api_docs,
    merging,
    my_day,
    quadrant,
    search,
    styleguide,
    system,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", my_day.my_day, name="my_day"),
    path("accounts/", accounts.account_list, name="account_list"),
    path("accounts/columns/", account_columns.account_columns, name="account_columns"),
    path("accounts/change/", account_selection.account_selection, name="account_selection"),
    path("accounts/export/", accounts.account_export, name="account_export"),
    path("accounts/<int:pk>/", account.account_overview, name="account"),
    path("accounts/<int:pk>/merge/", merging.account_merge, name="account_merge"),
    path("accounts/<int:pk>/people/<int:membership_pk>/merge/", merging.contact_merge, name="contact_merge"),
    path("accounts/<int:pk>/health/", account_health.account_health, name="account_health"),
    path("accounts/<int:pk>/usage/", account_health.account_usage, name="account_usage"),
    path("accounts/<int:pk>/people/", account.account_people, name="account_people"),
    path("accounts/<int:pk>/tickets/", account.account_tickets, name="account_tickets"),
    path("accounts/<int:pk>/timeline/", account.account_timeline, name="account_timeline"),
    path("accounts/<int:pk>/revenue/", account.account_revenue, name="account_revenue"),
    path("quadrant/", quadrant.quadrant, name="quadrant"),
    path("quadrant/verdict/", quadrant.quadrant_verdict, name="quadrant_verdict"),
    path("settings/system/", system.system, name="system"),
    path("settings/system/work/<int:pk>/retry/", system.work_retry, name="work_retry"),
    path("settings/system/work/<int:pk>/discard/", system.work_discard, name="work_discard"),
    path("settings/system/schedules/<int:pk>/run/", system.schedule_run, name="schedule_run"),
    path("metrics", system.metrics, name="metrics"),
    path("", include("accounts.urls")),
    path("", include("team.urls")),
    path("", include("team.sign_in_urls")),
    path("", include("health.ingest.urls")),
    path("", include("health.urls")),
    path("", include("integrations.urls")),
    path("api/docs", api_docs.api_docs, name="api_docs"),
    path("api/docs/<slug:slug>", api_docs.api_docs, name="api_docs_of"),
    path("api/", include("cs_platform.api")),
    path("search/", search.search, name="search"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]

handler400 = "cs_platform.errors.bad_request"
handler403 = "cs_platform.errors.forbidden"
handler404 = "cs_platform.errors.not_found"
handler500 = "cs_platform.errors.server_error"
