"""Segments: saved conditions, shared with everybody or one's own."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.conditions import validate
from accounts.conditions.uses import uses_of_segment
from accounts.errors import InvalidInput
from accounts.models import Segment
from accounts.services.fields import clean_text
from team.models import User


@transaction.atomic
def create_segment(*, name: str, condition: Any, owner: User, now: datetime, is_shared: bool = True) -> Segment:
    """Save a condition under a name. Raises InvalidInput (ConditionError for the condition)."""
    segment = Segment(owner=owner, is_shared=is_shared, created_at=now)
    _fill(segment, name, condition)
    segment.save()
    return segment


@transaction.atomic
def update_segment(
    *, segment: Segment, name: str | None = None, condition: Any = None, is_shared: bool | None = None
) -> Segment:
    """Change what is given. Raises InvalidInput, also for a condition that leads back to the segment."""
    segment = Segment.objects.select_for_update().get(pk=segment.pk)
    if is_shared is not None:
        segment.is_shared = is_shared
    _fill(segment, segment.name if name is None else name, segment.condition if condition is None else condition)
    segment.save(update_fields=["name", "condition", "is_shared"])
    # Only what is saved can be seen to lead back to itself.
    validate({"field": "segment", "op": "any_of", "value": [segment.pk]})
    return segment


@transaction.atomic
def delete_segment(*, segment: Segment) -> None:
    """Delete a segment nothing stands on. Raises InvalidInput naming what does."""
    if uses := uses_of_segment(segment.pk):
        msg = f"{segment.name} is used by {', '.join(uses)}. Change these first."
        raise InvalidInput(msg)
    segment.delete()


def _fill(segment: Segment, name: str, condition: Any) -> None:
    segment.name = clean_text(name, "name", limit=80, required=True)
    validate(condition)
    segment.condition = condition
    others = Segment.objects.filter(Q(is_shared=True) | Q(owner=segment.owner)).exclude(pk=segment.pk)
    if others.filter(name__iexact=segment.name).exists():
        msg = f"There is already a segment {segment.name}."
        raise InvalidInput(msg, "name")
