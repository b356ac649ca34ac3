"""Addresses of the resources of accounts, without a slash at the end: external ids may hold slashes."""

from rest_framework.routers import SimpleRouter

from accounts.api.customers import AccountResource, ContactResource, ProductResource
from accounts.api.facts import ActivityResource, SubscriptionResource, SurveyResponseResource, TicketResource

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("accounts", AccountResource, basename="api-account")
router.register("contacts", ContactResource, basename="api-contact")
router.register("subscriptions", SubscriptionResource, basename="api-subscription")
router.register("activities", ActivityResource, basename="api-activity")
router.register("tickets", TicketResource, basename="api-ticket")
router.register("survey-responses", SurveyResponseResource, basename="api-survey-response")
router.register("products", ProductResource, basename="api-product")

urlpatterns = router.urls
