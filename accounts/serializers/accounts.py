"""Accounts and the products they buy."""

from django.conf import settings
from rest_framework import serializers

from accounts.enums import Stage, Tier
from accounts.models import Account, Product
from accounts.serializers.rows import (
    Attributes,
    AttributesRead,
    ChoiceRead,
    ExternalIdsWrite,
    RowReader,
    RowRef,
    UserRef,
)
from team.api.examples import answered, sent
from team.api.fields import BlankAsNull, Choice, Day, Id, Moment, Money, StrictSerializer, Text


@answered(
    name="Northwind Traders",
    domain="northwind.example",
    parent=None,
    customer_since="2024-02-29",
    stage="adoption",
    tier="growth",
    csm="7",
    team=None,
    arr="14400.00",
    arr_currency="USD",
    renews_on="2027-02-28",
    attributes={"industry": "Shipping"},
)
class AccountReader(RowReader):
    """A customer company. Unknown is null."""

    name = serializers.CharField(read_only=True)
    domain = BlankAsNull()
    parent = Id(source="parent_id", read_only=True, allow_null=True, help_text="Id of the account above.")  # type: ignore[assignment]
    customer_since = serializers.DateField(read_only=True, allow_null=True)
    stage = ChoiceRead(Stage, help_text="Lifecycle stage.")
    tier = ChoiceRead(Tier)
    csm = Id(source="csm_id", read_only=True, allow_null=True, help_text="Id of the user who owns the account.")
    team = Id(
        source="team_id", read_only=True, allow_null=True, help_text="Id of the team that sees it; null: everybody."
    )
    arr = Money(read_only=True, allow_null=True, help_text="Yearly revenue, in arr_currency; null: unknown.")
    arr_currency = serializers.SerializerMethodField(help_text="The reporting currency.")
    renews_on = serializers.DateField(read_only=True, allow_null=True, help_text="The next renewal.")
    attributes = AttributesRead(read_only=True)

    def get_arr_currency(self, account: Account) -> str:
        return settings.REPORTING_CURRENCY


@sent(
    name="Northwind Traders",
    domain="northwind.example",
    stage="adoption",
    tier="growth",
    csm={"email": "ada@example.com"},
)
class AccountWriter(StrictSerializer):
    name = Text(
        nullable=False, max_length=200, help_text="Needed for a new account; by external id it defaults to that."
    )
    domain = Text(max_length=253)
    parent = RowRef(required=False, allow_null=True, help_text="The account above.")  # type: ignore[assignment]
    customer_since = Day(required=False, allow_null=True)
    stage = Choice(Stage, nullable=True)
    tier = Choice(Tier, nullable=True)
    csm = UserRef(required=False, allow_null=True, help_text="The user who owns the account.")
    team = Id(required=False, allow_null=True, help_text="The team that sees the account; null: everybody.")
    attributes = Attributes()
    external_ids = ExternalIdsWrite()
    effective_at = Moment(
        required=False, help_text="From when on stage, tier, csm, team and attributes hold; default now."
    )


class ProductReader(serializers.ModelSerializer):
    """What customers can buy. Subscriptions and tickets name it by key."""

    id = Id(source="pk", read_only=True)
    product_line = BlankAsNull()

    class Meta:
        model = Product
        fields = ["id", "key", "name", "product_line"]
        read_only_fields = fields
