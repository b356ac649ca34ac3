"""Addresses of what one does with an account; the pages that show it are in cs_platform/pages."""

from django.urls import path

from accounts.views import activities, contacts

urlpatterns = [
    path("accounts/<int:pk>/activities/new/", activities.log_activity, name="activity_log"),
    path("accounts/<int:pk>/activities/<int:activity_pk>/", activities.change_activity, name="activity_change"),
    path("accounts/<int:pk>/activities/<int:activity_pk>/remove/", activities.remove_activity, name="activity_remove"),
    path("accounts/<int:pk>/people/new/", contacts.add_contact, name="contact_add"),
    path("accounts/<int:pk>/people/<int:membership_pk>/", contacts.change_contact, name="contact_change"),
    path("accounts/<int:pk>/people/<int:membership_pk>/left/", contacts.contact_left, name="contact_left"),
    path("accounts/<int:pk>/sentiment/", contacts.give_sentiment, name="sentiment_give"),
]
