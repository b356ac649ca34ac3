"""Addresses of what one does with an account; the pages that show it are in cs_platform/pages."""

from django.urls import path

from accounts.views import accounts, activities, contacts, fields, segments

urlpatterns = [
    path("accounts/new/", accounts.new_account, name="account_new"),
    path("accounts/<int:pk>/edit/", accounts.edit_account, name="account_edit"),
    path("segments/new/", segments.new_segment, name="segment_new"),
    path("segments/<int:pk>/", segments.edit_segment, name="segment"),
    path("segments/<int:pk>/filter/", segments.keep_filter, name="segment_filter"),
    path("segments/<int:pk>/delete/", segments.remove_segment, name="segment_delete"),
    path("settings/fields/", fields.field_list, name="fields"),
    path("settings/fields/new/", fields.new_field, name="field_new"),
    path("settings/fields/<int:pk>/", fields.edit_field, name="field"),
    path("settings/fields/<int:pk>/delete/", fields.remove_field, name="field_delete"),
    path("accounts/<int:pk>/activities/new/", activities.log_activity, name="activity_log"),
    path("accounts/<int:pk>/activities/<int:activity_pk>/", activities.change_activity, name="activity_change"),
    path("accounts/<int:pk>/activities/<int:activity_pk>/remove/", activities.remove_activity, name="activity_remove"),
    path("accounts/<int:pk>/people/new/", contacts.add_contact, name="contact_add"),
    path("accounts/<int:pk>/people/<int:membership_pk>/", contacts.change_contact, name="contact_change"),
    path("accounts/<int:pk>/people/<int:membership_pk>/left/", contacts.contact_left, name="contact_left"),
    path("accounts/<int:pk>/sentiment/", contacts.give_sentiment, name="sentiment_give"),
]
