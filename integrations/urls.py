"""Addresses of what comes in and goes out."""

from django.urls import path

from integrations.views import imports

urlpatterns = [
    path("settings/imports/", imports.import_list, name="import_list"),
    path("settings/imports/new/", imports.import_new, name="import_new"),
    path("settings/imports/<int:pk>/", imports.import_run, name="import_run"),
    path("settings/imports/<int:pk>/start/", imports.import_start, name="import_start"),
    path("settings/imports/<int:pk>/discard/", imports.import_discard, name="import_discard"),
    path("settings/imports/<int:pk>/problems/", imports.import_problems, name="import_problems"),
]
