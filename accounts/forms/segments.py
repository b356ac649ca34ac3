"""A segment's name and whether everybody sees it; its condition comes from the editor."""

from typing import Any

from django import forms
from django.utils import timezone

from accounts.conditions.editor import Editor
from accounts.errors import InvalidInput
from accounts.models import Segment
from accounts.services import create_segment, update_segment
from team.models import User


class SegmentForm(forms.Form):
    name = forms.CharField(max_length=80)
    is_shared = forms.BooleanField(required=False, initial=True, label="Everybody sees it")

    def __init__(self, *args: Any, segment: Segment | None = None, **kwargs: Any) -> None:
        self.segment = segment
        if segment is not None:
            kwargs["initial"] = {"name": segment.name, "is_shared": segment.is_shared}
        super().__init__(*args, **kwargs)

    def save(self, editor: Editor, user: User) -> Segment | None:
        """Return the segment, or None with an error on the form when the service refuses."""
        values = {**self.cleaned_data, "condition": editor.tree()}
        try:
            if self.segment is None:
                return create_segment(owner=user, now=timezone.now(), **values)
            return update_segment(segment=self.segment, **values)
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
            return None
