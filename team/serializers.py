"""How people who work here look in the API."""

from rest_framework import serializers

from team.api.fields import Id, Moment
from team.enums import AccessLevel, Function
from team.models import Team, User


class SyncReader(serializers.Serializer):
    """What every row that can be followed has. A tombstone is a row with deleted_at."""

    id = Id(source="pk", read_only=True)
    created_at = Moment(read_only=True)
    updated_at = Moment(read_only=True)
    deleted_at = Moment(read_only=True, allow_null=True)
    version = serializers.IntegerField(
        source="row_version", read_only=True, help_text="Grows with every change; also the ETag."
    )


class TeamReader(serializers.ModelSerializer):
    id = Id(source="pk", read_only=True)

    class Meta:
        model = Team
        fields = ["id", "name"]
        read_only_fields = fields


class UserReader(serializers.ModelSerializer):
    """Somebody who signs in here; accounts and activities name them by id."""

    id = Id(source="pk", read_only=True)
    teams = TeamReader(many=True, read_only=True)
    access_level = serializers.ChoiceField(choices=AccessLevel.choices, read_only=True)
    function = serializers.ChoiceField(choices=Function.choices, read_only=True)

    class Meta:
        model = User
        fields = ["id", "name", "email", "access_level", "function", "teams", "time_zone", "is_active"]
        read_only_fields = fields


class WhoamiReader(serializers.Serializer):
    """Exactly one of user and key is set."""

    user = UserReader(allow_null=True)
    key = serializers.CharField(allow_null=True, help_text="Name of the API key.")
    scopes = serializers.ListField(
        child=serializers.CharField(), help_text="What a key may do; a person's own rights are by level."
    )
