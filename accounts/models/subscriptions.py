"""What a customer bought, and how that changed."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.customers import Account
from accounts.models.times import Fact
from team.sync import LiveManager, SyncRow


class Product(models.Model):
    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    product_line = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Terms(models.Model):
    """The commercial terms of a subscription from some time on. MRR is what is paid per month."""

    plan = models.CharField(max_length=100, blank=True)
    mrr = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3)
    seats = models.PositiveIntegerField(null=True, blank=True)
    renews_on = models.DateField(null=True, blank=True)
    notice_on = models.DateField(null=True, blank=True, help_text="Last day to cancel before the renewal.")
    ended_on = models.DateField(null=True, blank=True, help_text="First day without the subscription.")

    class Meta:
        abstract = True


TERMS = ["plan", "mrr", "currency", "seats", "renews_on", "notice_on", "ended_on"]


class Subscription(Terms, SyncRow):
    """The current terms; SubscriptionChange has all of them."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="subscriptions")
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.PROTECT)
    started_on = models.DateField()

    objects = LiveManager["Subscription"]()
    all_objects: "models.Manager[Subscription]" = models.Manager()

    class Meta(SyncRow.Meta):
        ordering = ["-started_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_on=None) | Q(ended_on__gte=models.F("started_on")),
                name="subscription_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return f"{self.plan or self.product} ({self.account})"


class SubscriptionChange(Terms, Fact):
    """All terms as they were from occurred_at on."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="changes")

    class Meta:
        indexes = [
            models.Index(fields=["subscription", "occurred_at"], name="change_of_subscription"),
            BrinIndex(fields=["received_at"], name="terms_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id} from {self.occurred_at}"


class ExchangeRate(models.Model):
    """How much one unit of a currency is worth in the reporting currency from a day on.

    A correction is a further row: of those of a day the one received last holds.
    """

    currency = models.CharField(max_length=3)
    on = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=8)
    received_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["currency", "on", "received_at"], name="exchange_rate_once"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="exchange_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.on}: {self.rate}"
