"""Contacts with their memberships."""

from rest_framework import serializers

from accounts.enums import ContactRole
from accounts.models import Contact
from accounts.serializers.rows import Attributes, AttributesRead, ChoiceRead, ExternalIdsWrite, RowReader, RowRef
from team.api.examples import answered, sent
from team.api.fields import BlankAsNull, Choice, Id, Moment, StrictSerializer, Text


class MembershipReader(serializers.Serializer):
    account = Id(source="account_id", read_only=True)
    role = ChoiceRead(ContactRole)
    since = Moment(source="occurred_at", read_only=True)


class PersonaReader(serializers.Serializer):
    id = Id(source="pk", read_only=True)
    name = serializers.CharField(read_only=True)


@answered(
    name="Grace Hopper",
    email="grace@northwind.example",
    title="CTO",
    phone=None,
    time_zone="America/New_York",
    persona={"id": "2", "name": "Administrator"},
    memberships=[{"account": "1042", "role": "champion", "since": "2024-02-29T00:00:00.000000Z"}],
    attributes={},
)
class ContactReader(RowReader):
    """A person. Deleted: only the ids are left."""

    name = BlankAsNull()
    email = BlankAsNull()
    title = BlankAsNull()
    phone = BlankAsNull()
    time_zone = BlankAsNull()
    persona = PersonaReader(read_only=True, allow_null=True)
    memberships = MembershipReader(many=True, read_only=True, source="current_memberships")
    attributes = AttributesRead(read_only=True)

    def to_representation(self, instance: Contact) -> dict[str, object]:
        data = super().to_representation(instance)
        if instance.deleted_at is not None:
            personal = dict.fromkeys(["name", "email", "title", "phone", "time_zone", "persona"])
            data |= personal | {"attributes": {}, "memberships": []}
        return data


class MembershipWriter(StrictSerializer):
    account = RowRef()
    role = Choice(ContactRole, help_text="Left out: it stays, or end_user for a new one.")


@sent(
    name="Grace Hopper",
    email="grace@northwind.example",
    memberships=[{"account": {"system": "crm", "external_id": "0015-88"}, "role": "champion"}],
)
class ContactWriter(StrictSerializer):
    name = Text(max_length=200)
    email = Text(max_length=254)
    title = Text(max_length=150)
    phone = Text(max_length=40)
    time_zone = Text(max_length=64, help_text="Like Europe/Berlin.")
    memberships = MembershipWriter(
        many=True, required=False, help_text="All accounts the person is at; others are left."
    )
    attributes = Attributes()
    external_ids = ExternalIdsWrite()
    effective_at = Moment(required=False, help_text="When that became so; default now.")
