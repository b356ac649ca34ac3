"""New activities, survey responses and sentiments, many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.events import write_events
from accounts.models import Account, Activity, Contact, Sentiment, SurveyResponse
from accounts.services.context import Context
from accounts.services.facts import clean_activity, clean_level, clean_response
from accounts.services.fields import clean_text
from accounts.services.loading.batch import BATCH_SIZE, Batch
from team.enums import Function
from team.models import User


@dataclass(frozen=True, kw_only=True)
class NewActivity:
    """As of `record_activity`."""

    account: Account
    kind: str
    occurred_at: datetime
    subject: str = ""
    body: str = ""
    contacts: Sequence[Contact] = ()
    function: str = Function.CSM
    initiative: str = ""
    author: User | None = None
    source: str = ""
    system: str = ""
    external_id: str = ""


@dataclass(frozen=True, kw_only=True)
class NewResponse:
    """As of `record_survey_response`."""

    account: Account
    kind: str
    score: Any
    occurred_at: datetime
    comment: str = ""
    contact: Contact | None = None
    source: str = ""
    system: str = ""
    external_id: str = ""


@dataclass(frozen=True, kw_only=True)
class NewSentiment:
    """As of `record_sentiment`."""

    account: Account
    user: User
    level: int
    occurred_at: datetime
    note: str = ""


@transaction.atomic
def record_activities(
    rows: Sequence[NewActivity], *, now: datetime, backfill: bool = False
) -> list[Activity | InvalidInput | None]:
    """Record activities with their contacts; see the package for what is returned."""
    context = Context(now=now, backfill=backfill)

    def build(row: NewActivity) -> Activity:
        values = clean_activity(row.kind, row.function, row.subject, row.body, row.initiative)
        source = clean_text(row.source, "source", limit=60)
        return Activity(
            account=row.account, author=row.author, source=source, **values, **context.times(row.occurred_at)
        )

    batch = Batch(Entity.ACTIVITY, rows, build)
    batch.save()
    link = Activity.contacts.through
    link.objects.bulk_create(
        [
            link(activity_id=activity.pk, contact_id=contact.pk)
            for row, activity in batch.made
            for contact in row.contacts
        ],
        batch_size=BATCH_SIZE,
    )
    write_events(
        context.event(
            row.account.pk,
            "activity.recorded",
            row.occurred_at,
            {"activity_id": activity.pk, "kind": row.kind, "function": row.function},
            actor=row.author,
        )
        for row, activity in batch.made
    )
    return batch.results


@transaction.atomic
def record_survey_responses(
    rows: Sequence[NewResponse], *, now: datetime, backfill: bool = False, actor: User | None = None
) -> list[SurveyResponse | InvalidInput | None]:
    """Record answers; see the package for what is returned."""
    context = Context(now=now, backfill=backfill, actor=actor)

    def build(row: NewResponse) -> SurveyResponse:
        return SurveyResponse(
            account=row.account,
            contact=row.contact,
            **clean_response(row.kind, row.score, row.comment),
            source=clean_text(row.source, "source", limit=60),
            **context.times(row.occurred_at),
        )

    batch = Batch(Entity.SURVEY_RESPONSE, rows, build)
    batch.save()
    write_events(
        context.event(
            row.account.pk,
            "survey.answered",
            row.occurred_at,
            {"survey_response_id": response.pk, "kind": row.kind, "score": response.score},
        )
        for row, response in batch.made
    )
    return batch.results


@transaction.atomic
def record_sentiments(
    rows: Sequence[NewSentiment], *, now: datetime, backfill: bool = False
) -> list[Sentiment | InvalidInput]:
    """Record CSMs' judgements. Returns, in order, the row written or InvalidInput."""
    context = Context(now=now, backfill=backfill)
    results: list[Sentiment | InvalidInput] = []
    for row in rows:
        try:
            level, note = clean_level(row.level), clean_text(row.note, "note")
        except InvalidInput as error:
            results.append(error)
            continue
        times = context.times(row.occurred_at)
        results.append(Sentiment(account=row.account, user=row.user, level=level, note=note, **times))
    sentiments = [result for result in results if isinstance(result, Sentiment)]
    Sentiment.objects.bulk_create(sentiments, batch_size=BATCH_SIZE)
    write_events(
        context.event(
            sentiment.account_id,
            "sentiment.recorded",
            sentiment.occurred_at,
            {"sentiment_id": sentiment.pk, "level": sentiment.level},
            actor=sentiment.user,
        )
        for sentiment in sentiments
    )
    return results
