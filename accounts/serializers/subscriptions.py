"""Subscriptions: the current terms out, terms from a moment on in."""

from rest_framework import serializers

from accounts.serializers.rows import ExternalIdsWrite, ProductKey, RowReader, RowRef
from team.api.examples import answered, sent
from team.api.fields import BlankAsNull, Day, Id, Moment, Money, StrictSerializer, Text, Whole


@answered(
    account="1042",
    product="core",
    plan="Pro",
    mrr="1200.00",
    currency="USD",
    seats=40,
    started_on="2024-02-29",
    renews_on="2027-02-28",
    notice_on="2026-11-30",
    ended_on=None,
)
class SubscriptionReader(RowReader):
    """The terms in force now."""

    account = Id(source="account_id", read_only=True)
    product = serializers.CharField(
        source="product.key", read_only=True, allow_null=True, default=None, help_text="Key."
    )
    plan = BlankAsNull()
    mrr = Money(read_only=True, allow_null=True, help_text="What is paid per month, in currency; null: unknown.")
    currency = serializers.CharField(read_only=True)
    seats = serializers.IntegerField(read_only=True, allow_null=True)
    started_on = serializers.DateField(read_only=True)
    renews_on = serializers.DateField(read_only=True, allow_null=True)
    notice_on = serializers.DateField(
        read_only=True, allow_null=True, help_text="Last day to cancel before the renewal."
    )
    ended_on = serializers.DateField(read_only=True, allow_null=True, help_text="First day without it.")


@sent(
    account={"system": "crm", "external_id": "0015-88"},
    product="core",
    plan="Pro",
    mrr="1200.00",
    currency="USD",
    seats=40,
    started_on="2024-02-29",
    renews_on="2027-02-28",
)
class SubscriptionWriter(StrictSerializer):
    account = RowRef(required=True)
    product = ProductKey()
    plan = Text(max_length=100)
    mrr = Money(required=False, allow_null=True)
    currency = Text(nullable=False, min_length=3, max_length=3, help_text="ISO 4217; default the reporting currency.")
    seats = Whole(allow_null=True)
    started_on = Day(required=False, help_text="Default: the day of effective_at.")
    renews_on = Day(required=False, allow_null=True)
    notice_on = Day(required=False, allow_null=True)
    ended_on = Day(required=False, allow_null=True)
    external_ids = ExternalIdsWrite()
    effective_at = Moment(
        required=False, help_text="From when on these terms hold; default the start of a new one, else now."
    )
