"""Addresses of the people who work here."""

from django.urls import path

from team import views

urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("settings/users/", views.user_list, name="user_list"),
    path("settings/users/new/", views.user_invite, name="user_invite"),
    path("settings/users/<int:pk>/", views.user_change, name="user_change"),
    path("settings/users/<int:pk>/sign-out/", views.user_sign_out, name="user_sign_out"),
    path("settings/teams/new/", views.team_create, name="team_create"),
    path("settings/api-keys/", views.api_key_list, name="api_key_list"),
    path("settings/api-keys/new/", views.api_key_create, name="api_key_create"),
    path("settings/api-keys/<int:pk>/revoke/", views.api_key_revoke, name="api_key_revoke"),
    path("settings/security-log/", views.security_log, name="security_log"),
]
