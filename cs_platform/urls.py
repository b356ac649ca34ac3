"""Every address of the product."""

from django.urls import URLPattern, URLResolver, include, path

from cs_platform.pages import search, styleguide

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("allauth.urls")),
    path("", include("health.ingest.urls")),
    path("search/", search.search, name="search"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]

handler400 = "cs_platform.errors.bad_request"
handler403 = "cs_platform.errors.forbidden"
handler404 = "cs_platform.errors.not_found"
handler500 = "cs_platform.errors.server_error"
