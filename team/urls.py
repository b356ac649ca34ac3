"""Addresses of the people who work here."""

from django.urls import path

from team.views import api_keys, profile, security_log, users

urlpatterns = [
    path("profile/", profile.profile, name="profile"),
    path("settings/users/", users.user_list, name="user_list"),
    path("settings/users/new/", users.user_invite, name="user_invite"),
    path("settings/users/<int:pk>/", users.user_change, name="user_change"),
    path("settings/users/<int:pk>/password-link/", users.user_password_link, name="user_password_link"),
    path("settings/users/<int:pk>/sign-out/", users.user_sign_out, name="user_sign_out"),
    path("settings/users/<int:pk>/reset-factors/", users.user_reset_factors, name="user_reset_factors"),
    path("settings/teams/new/", users.team_create, name="team_create"),
    path("settings/teams/<int:pk>/", users.team_change, name="team_change"),
    path("settings/teams/<int:pk>/delete/", users.team_delete, name="team_delete"),
    path("settings/api-keys/", api_keys.api_key_list, name="api_key_list"),
    path("settings/api-keys/new/", api_keys.api_key_create, name="api_key_create"),
    path("settings/api-keys/<int:pk>/rotate/", api_keys.api_key_rotate, name="api_key_rotate"),
    path("settings/api-keys/<int:pk>/revoke/", api_keys.api_key_revoke, name="api_key_revoke"),
    path("settings/security-log/", security_log.security_log, name="security_log"),
    path("settings/security-log/csv/", security_log.security_log_csv, name="security_log_csv"),
]
