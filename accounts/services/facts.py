"""Activities, survey responses and the CSM's sentiment."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import ActivityKind, Entity, Initiative, SentimentLevel, SurveyKind
from accounts.errors import InvalidInput
from accounts.models import (
    Account,
    Activity,
    ActivityRevision,
    Contact,
    Sentiment,
    SurveyResponse,
)
from accounts.services.context import Context
from accounts.services.external_ids import (
    find_by_external_id,
    give_external_id,
    lock_external_id,
)
from accounts.services.fields import clean_choice, clean_count, clean_text, refuse_unknown
from team.enums import Function
from team.models import User

SURVEY_RANGE = {
    SurveyKind.NPS: (0, 10),
    SurveyKind.CSAT: (1, 5),
    SurveyKind.CES: (1, 7),
    SurveyKind.INDISPENSABLE: (1, 5),
}
WORDS = ("kind", "function", "subject", "body", "initiative")
EDITABLE = {*WORDS, "occurred_at", "author", "contacts", "source"}


@transaction.atomic
def record_activity(
    *,
    account: Account,
    kind: str,
    occurred_at: datetime,
    now: datetime,
    subject: str = "",
    body: str = "",
    contacts: Iterable[Contact] = (),
    function: str = Function.CSM,
    initiative: str = "",
    author: User | None = None,
    source: str = "",
    system: str = "",
    external_id: str = "",
    backfill: bool = False,
) -> tuple[Activity, bool]:
    """Record a call, mail, meeting, chat or note. The same external id twice edits the first.

    Returns (activity, whether it is new). Raises InvalidInput.
    """
    context = Context(now=now, backfill=backfill, actor=author)
    values = clean_activity(kind, function, subject, body, initiative)
    found = _named(Entity.ACTIVITY, system, external_id)
    if found is not None:
        activity = Activity.all_objects.get(pk=found)
        edits = {name: values[name] for name in ("subject", "body", "initiative")}
        return edit_activity(activity=activity, fields=edits, editor=author), False
    activity = Activity.objects.create(
        account=account,
        author=author,
        source=clean_text(source, "source", limit=60),
        **values,
        **context.times(occurred_at),
    )
    activity.contacts.set(contacts)
    _name(Entity.ACTIVITY, system, external_id, activity.pk)
    context.tell(
        account.pk, "activity.recorded", occurred_at, {"activity_id": activity.pk, "kind": kind, "function": function}
    )
    return activity, True


def clean_activity(kind: str, function: str, subject: str, body: str, initiative: str) -> dict[str, str]:
    """Return the columns of an activity. Raises InvalidInput."""
    return {
        "kind": clean_choice(kind, "kind", ActivityKind.values),
        "function": clean_choice(function, "function", Function.values),
        "subject": clean_text(subject, "subject", limit=300),
        "body": clean_text(body, "body"),
        "initiative": clean_choice(initiative or "", "initiative", ["", *Initiative.values]),
    }


@transaction.atomic
def edit_activity(*, activity: Activity, fields: dict[str, Any], editor: User | None) -> Activity:
    """Change the EDITABLE fields given; a revision keeps what it said, and a deleted one comes back.

    Raises InvalidInput.
    """
    refuse_unknown(fields, EDITABLE)
    activity = Activity.all_objects.select_for_update().get(pk=activity.pk)
    columns = {**fields, "deleted_at": None}
    contacts = columns.pop("contacts", None)
    columns |= clean_activity(**{name: fields.get(name, getattr(activity, name)) for name in WORDS})
    if "source" in fields:
        columns["source"] = clean_text(fields["source"], "source", limit=60)
    changed = [name for name, value in columns.items() if getattr(activity, name) != value]
    before = sorted(activity.contacts.values_list("pk", flat=True)) if contacts is not None else None
    if before == sorted(contact.pk for contact in contacts or ()):
        before = None
    if changed or before is not None:
        ActivityRevision.objects.create(
            activity=activity,
            editor=editor,
            subject=activity.subject,
            body=activity.body,
            initiative=activity.initiative,
            contact_ids=before,
        )
        for name in changed:
            setattr(activity, name, columns[name])
        activity.save(update_fields=changed)
    if before is not None:
        activity.contacts.set(contacts)
    return activity


@transaction.atomic
def delete_activity(*, activity: Activity, now: datetime, actor: User | None = None) -> None:
    if Activity.objects.filter(pk=activity.pk).update(deleted_at=now):
        context = Context(now=now, actor=actor)
        context.tell(activity.account_id, "activity.deleted", now, {"activity_id": activity.pk})


@transaction.atomic
def record_survey_response(
    *,
    account: Account,
    kind: str,
    score: Any,
    occurred_at: datetime,
    now: datetime,
    comment: str = "",
    contact: Contact | None = None,
    source: str = "",
    system: str = "",
    external_id: str = "",
    backfill: bool = False,
    actor: User | None = None,
) -> tuple[SurveyResponse, bool]:
    """Record an answer: NPS 0–10, CSAT 1–5, CES 1–7. The same external id twice corrects the first.

    Returns (response, whether it is new). Raises InvalidInput.
    """
    context = Context(now=now, backfill=backfill, actor=actor)
    values = clean_response(kind, score, comment)
    found = _named(Entity.SURVEY_RESPONSE, system, external_id)
    if found is not None:
        response = SurveyResponse.all_objects.get(pk=found)
        return edit_survey_response(response=response, fields=values, now=now, actor=actor), False
    response = SurveyResponse.objects.create(
        account=account,
        contact=contact,
        **values,
        source=clean_text(source, "source", limit=60),
        **context.times(occurred_at),
    )
    _name(Entity.SURVEY_RESPONSE, system, external_id, response.pk)
    context.tell(
        account.pk,
        "survey.answered",
        occurred_at,
        {"survey_response_id": response.pk, "kind": kind, "score": response.score},
    )
    return response, True


def clean_response(kind: str, score: Any, comment: str) -> dict[str, Any]:
    """Return the columns of an answer. Raises InvalidInput."""
    clean_choice(kind, "kind", SurveyKind.values)
    points = clean_count(score, "score")
    low, high = SURVEY_RANGE[SurveyKind(kind)]
    if points is None or not low <= points <= high:
        msg = f"{SurveyKind(kind).label} is a whole number from {low} to {high}, not {score!r}."
        raise InvalidInput(msg, "score")
    return {"kind": kind, "score": points, "comment": clean_text(comment, "comment")}


@transaction.atomic
def edit_survey_response(
    *, response: SurveyResponse, fields: dict[str, Any], now: datetime, actor: User | None = None
) -> SurveyResponse:
    """Correct kind, score, comment, contact or source; a deleted one comes back. Raises InvalidInput.

    What a corrected answer said stays as a deleted row, for whoever replays the time before.
    """
    refuse_unknown(fields, {"kind", "score", "comment", "contact", "source"})
    response = SurveyResponse.all_objects.select_for_update().get(pk=response.pk)
    columns = {**fields, "deleted_at": None}
    columns |= clean_response(
        fields.get("kind", response.kind),
        fields.get("score", response.score),
        fields.get("comment", response.comment),
    )
    if "source" in fields:
        columns["source"] = clean_text(fields["source"], "source", limit=60)
    changed = [name for name, value in columns.items() if getattr(response, name) != value]
    if {"kind", "score", "contact", "deleted_at"} & set(changed):
        _keep_answer(response, now=now)
        columns["received_at"] = now
        changed.append("received_at")
        payload = {"survey_response_id": response.pk, "kind": columns["kind"], "score": columns["score"]}
        Context(now=now, actor=actor).tell(response.account_id, "survey.corrected", now, payload)
    for name in changed:
        setattr(response, name, columns[name])
    if changed:
        response.save(update_fields=changed)
    return response


def _keep_answer(response: SurveyResponse, *, now: datetime) -> None:
    """Leave a deleted copy of an answer as it is."""
    said = SurveyResponse.all_objects.filter(pk=response.pk).values().get()
    SurveyResponse.all_objects.create(**said | {"id": None, "deleted_at": response.deleted_at or now})


@transaction.atomic
def delete_survey_response(*, response: SurveyResponse, now: datetime, actor: User | None = None) -> None:
    if SurveyResponse.objects.filter(pk=response.pk).update(deleted_at=now):
        context = Context(now=now, actor=actor)
        context.tell(response.account_id, "survey.deleted", now, {"survey_response_id": response.pk})


@transaction.atomic
def record_sentiment(
    *,
    account: Account,
    user: User,
    level: int,
    now: datetime,
    note: str = "",
    occurred_at: datetime | None = None,
    backfill: bool = False,
) -> Sentiment:
    """Record the CSM's own judgement, 1 (very poor) to 5 (very good). Raises InvalidInput."""
    clean_level(level)
    context = Context(now=now, backfill=backfill, actor=user)
    occurred_at = occurred_at or now
    sentiment = Sentiment.objects.create(
        account=account,
        user=user,
        level=level,
        note=clean_text(note, "note"),
        **context.times(occurred_at),
    )
    context.tell(account.pk, "sentiment.recorded", occurred_at, {"sentiment_id": sentiment.pk, "level": level})
    return sentiment


def clean_level(level: int) -> int:
    """Return the level. Raises InvalidInput."""
    if level not in SentimentLevel.values:
        msg = f"CSM sentiment goes from 1 (very poor) to 5 (very good), not {level!r}."
        raise InvalidInput(msg, "level")
    return level


def _named(entity: str, system: str, external_id: str) -> int | None:
    if not external_id:
        return None
    lock_external_id(entity, system, external_id)
    return find_by_external_id(entity, system, external_id)


def _name(entity: str, system: str, external_id: str, pk: int) -> None:
    if external_id:
        give_external_id(entity=entity, system=system, value=external_id, object_id=pk)
