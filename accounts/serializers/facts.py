"""What happened: activities, tickets, survey responses."""

from rest_framework import serializers

from accounts.enums import ActivityKind, Initiative, Priority, SurveyKind, TicketStatus
from accounts.models import Activity
from accounts.serializers.rows import ChoiceRead, ExternalIdsWrite, FactReader, ProductKey, RowRef, UserRef
from team.api.examples import answered, sent
from team.api.fields import BlankAsNull, Choice, Flag, Id, Moment, StrictSerializer, Text, Whole
from team.enums import Function

MAX_TEXT = 100_000


@answered(
    account="1042",
    occurred_at="2026-11-20T14:00:00.000000Z",
    kind="meeting",
    function="csm",
    initiative="proactive",
    author="7",
    contacts=["3301"],
    subject="Quarterly review",
    body=None,
    source="calendar",
)
class ActivityReader(FactReader):
    """A call, mail, meeting, chat or note."""

    kind = ChoiceRead(ActivityKind)
    function = ChoiceRead(Function, help_text="Which function of ours acted.")
    initiative = ChoiceRead(Initiative, help_text="Who acted first; null: unknown.")
    author = Id(source="author_id", read_only=True, allow_null=True, help_text="Id of a user.")
    contacts = serializers.SerializerMethodField(help_text="Ids of the people who took part.")
    subject = BlankAsNull()
    body = BlankAsNull()
    source = BlankAsNull(help_text="The tool it came from; null: written here.")  # type: ignore[assignment]

    def get_contacts(self, activity: Activity) -> list[str]:
        return [str(contact.pk) for contact in activity.contacts.all()]


@sent(
    account={"system": "crm", "external_id": "0015-88"},
    kind="meeting",
    occurred_at="2026-11-20T14:00:00Z",
    subject="Quarterly review",
    initiative="proactive",
    author={"email": "ada@example.com"},
    source="calendar",
)
class ActivityWriter(StrictSerializer):
    """Once recorded, subject, body and initiative can be changed."""

    account = RowRef(required=True)
    kind = Choice(ActivityKind, required=True)
    occurred_at = Moment(required=True)
    subject = Text(max_length=300)
    body = Text(max_length=MAX_TEXT)
    contacts = serializers.ListField(child=RowRef(), required=False, max_length=100)
    function = Choice(Function)
    initiative = Choice(Initiative, nullable=True)
    author = UserRef(required=False, allow_null=True)
    source = Text(max_length=60)  # type: ignore[assignment]
    external_ids = ExternalIdsWrite()


@answered(
    account="1042",
    occurred_at="2026-11-20T14:00:00.000000Z",
    contact="3301",
    product="core",
    subject="Export fails",
    status="solved",
    priority="high",
    is_escalated=False,
    first_responded_at="2026-11-20T14:20:00.000000Z",
    resolved_at="2026-11-21T09:00:00.000000Z",
    source="helpdesk",
    url="https://desk.example/77",
)
class TicketReader(FactReader):
    """A request to support, opened at occurred_at."""

    contact = Id(source="contact_id", read_only=True, allow_null=True)
    product = serializers.CharField(
        source="product.key", read_only=True, allow_null=True, default=None, help_text="Key."
    )
    subject = BlankAsNull()
    status = ChoiceRead(TicketStatus)
    priority = ChoiceRead(Priority)
    is_escalated = serializers.BooleanField(read_only=True)
    first_responded_at = Moment(read_only=True, allow_null=True)
    resolved_at = Moment(read_only=True, allow_null=True)
    source = BlankAsNull()  # type: ignore[assignment]
    url = BlankAsNull()


@sent(
    account={"system": "crm", "external_id": "0015-88"},
    occurred_at="2026-11-20T14:00:00Z",
    subject="Export fails",
    status="solved",
    priority="high",
    first_responded_at="2026-11-20T14:20:00Z",
    resolved_at="2026-11-21T09:00:00Z",
    url="https://desk.example/77",
)
class TicketWriter(StrictSerializer):
    account = RowRef(required=True)
    occurred_at = Moment(required=True, help_text="When it was opened.")
    changed_at = Moment(required=False, help_text="When the state became what you send; default now.")
    contact = RowRef(required=False, allow_null=True)
    product = ProductKey()
    subject = Text(max_length=300)
    status = Choice(TicketStatus)
    priority = Choice(Priority)
    is_escalated = Flag(required=False)
    first_responded_at = Moment(required=False, allow_null=True)
    resolved_at = Moment(required=False, allow_null=True)
    source = Text(max_length=60)  # type: ignore[assignment]
    url = Text(max_length=500)
    external_ids = ExternalIdsWrite()


@answered(
    account="1042",
    occurred_at="2026-11-20T14:00:00.000000Z",
    kind="nps",
    score=9,
    comment="Saves us a day a week",
    contact="3301",
    source="forms",
)
class SurveyResponseReader(FactReader):
    """An answer: NPS 0–10, CSAT 1–5, CES 1–7."""

    kind = ChoiceRead(SurveyKind)
    score = serializers.IntegerField(read_only=True)
    comment = BlankAsNull()
    contact = Id(source="contact_id", read_only=True, allow_null=True)
    source = BlankAsNull()  # type: ignore[assignment]


@sent(
    account={"system": "crm", "external_id": "0015-88"},
    kind="nps",
    score=9,
    occurred_at="2026-11-20T14:00:00Z",
    comment="Saves us a day a week",
)
class SurveyResponseWriter(StrictSerializer):
    """Once recorded, kind, score and comment can be corrected."""

    account = RowRef(required=True)
    kind = Choice(SurveyKind, required=True)
    score = Whole(high=10, required=True, help_text="NPS 0–10, CSAT 1–5, CES 1–7.")
    occurred_at = Moment(required=True)
    comment = Text(max_length=MAX_TEXT)
    contact = RowRef(required=False, allow_null=True)
    source = Text(max_length=60)  # type: ignore[assignment]
    external_ids = ExternalIdsWrite()
