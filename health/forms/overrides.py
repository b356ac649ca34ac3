"""The form that sets a score by hand."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts.errors import InvalidInput
from accounts.models import Account
from health.models import CurrentScore, Scorecard, ScoreOverride
from health.services.overrides import MAX_OVERRIDE_DAYS, MAX_REASON_LENGTH, set_override
from team.models import User

DEFAULT_DAYS = 30


class OverrideForm(forms.Form):
    scorecard = forms.ModelChoiceField(queryset=Scorecard.objects.none(), empty_label=None)
    score = forms.DecimalField(min_value=0, max_value=100, decimal_places=2, label="Score")
    expires_on = forms.DateField(
        label="Until",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=f"The last day (UTC) on which it holds, at most {MAX_OVERRIDE_DAYS} days away. Then the computed"
        " score is shown again.",
    )
    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What the score cannot know. It stands on the page, in the timeline and in the receipt.",
    )

    def __init__(self, *args: Any, account: Account, scorecard_id: int | None = None, **kwargs: Any) -> None:
        self.account = account
        today = timezone.now().astimezone(UTC).date()
        kwargs["initial"] = {"expires_on": today + timedelta(days=DEFAULT_DAYS), "scorecard": scorecard_id}
        super().__init__(*args, **kwargs)
        field = self.fields["scorecard"]
        assert isinstance(field, forms.ModelChoiceField)
        scored_by = CurrentScore.objects.filter(account=account).values("scorecard")
        field.queryset = Scorecard.objects.live().filter(pk__in=scored_by)

    def save(self, actor: User) -> ScoreOverride | None:
        """Return the override; None with an error on the form when the service refuses."""
        fields = dict(self.cleaned_data)
        last_day: date = fields.pop("expires_on")
        # The last day of the calendar has no day after it; both are too far away.
        expires_at = datetime.combine(min(last_day, date.max - timedelta(days=1)) + timedelta(days=1), time(), UTC)
        try:
            return set_override(account=self.account, expires_at=expires_at, now=timezone.now(), actor=actor, **fields)
        except InvalidInput as error:
            field = "expires_on" if error.field == "expires_at" else error.field
            self.add_error(field if field in self.fields else None, error.message)
            return None
