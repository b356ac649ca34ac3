"""The form that asks for a backtest."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts.errors import InvalidInput
from health.metrics.query import LOOKBACK_DAYS
from health.models import Backtest, Scorecard
from health.outcomes import DEFAULT_ACTIVE_DAYS, DEFAULT_HORIZON_DAYS, ChurnRule
from health.services.backtests import (
    DEFAULT_CAPACITY,
    MAX_CAPACITY,
    MAX_DATES,
    MAX_HORIZON_DAYS,
    MAX_LEAD_DAYS,
    Candidate,
    create_backtest,
)
from team.models import User

DEFAULT_DATES = 6
DEFAULT_STEP_DAYS = 30
OFFERED_VERSIONS = 10
RULES = [
    ("subscription", "The last subscription ended"),
    ("any_subscription", "Any subscription ended"),
    ("lapse", "A lapse: no usage for the whole horizon"),
]


def day_field(label: str, help_text: str = "") -> forms.DateField:
    widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, help_text=help_text)


class BacktestForm(forms.Form):
    contenders = forms.MultipleChoiceField(
        label="What to judge",
        widget=forms.CheckboxSelectMultiple,
        help_text="All are judged on the same accounts and dates, beside counting events.",
    )
    rule = forms.ChoiceField(label="Churn", choices=RULES, widget=forms.RadioSelect, initial="subscription")
    horizon_days = forms.IntegerField(
        label="Horizon, days",
        min_value=1,
        max_value=MAX_HORIZON_DAYS,
        initial=DEFAULT_HORIZON_DAYS,
        help_text="Churn within so many days counts.",
    )
    lead_days = forms.IntegerField(
        label="Lead time, days",
        min_value=0,
        max_value=MAX_LEAD_DAYS,
        initial=0,
        help_text="Churn sooner than this is too late to act on, and does not count.",
    )
    active_days = forms.IntegerField(
        label="Active, days",
        min_value=1,
        max_value=LOOKBACK_DAYS,
        initial=DEFAULT_ACTIVE_DAYS,
        help_text="For a lapse: accounts with usage this recently are judged.",
    )
    events = forms.CharField(
        required=False,
        max_length=500,
        label="Events",
        help_text="For a lapse: the names of the events that count as usage, with commas between them; empty: all.",
    )
    first = day_field("First date", "Scores are computed as of this day, by what was known before it.")
    last = day_field("Last date", "Its horizon must have ended.")
    step_days = forms.IntegerField(
        label="Days between dates", min_value=1, max_value=MAX_HORIZON_DAYS, initial=DEFAULT_STEP_DAYS
    )
    capacity = forms.IntegerField(
        label="Capacity, accounts",
        min_value=1,
        max_value=MAX_CAPACITY,
        initial=DEFAULT_CAPACITY,
        help_text="How many accounts the team can look after per date: lift is judged there.",
    )
    learns = forms.BooleanField(
        required=False,
        label="Learn weights and a churn probability from earlier dates",
        help_text="From dates whose horizon ends before the first date; by the measures of the first one chosen.",
    )

    def __init__(self, *args: Any, scorecard: Scorecard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scorecard = scorecard
        self.candidates = _candidates(scorecard)
        field = self.fields["contenders"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(key, each.label) for key, each in self.candidates.items()]
        field.initial = list(self.candidates)[:1]
        newest = timezone.now().date() - timedelta(days=DEFAULT_HORIZON_DAYS)
        self.fields["last"].initial = newest
        self.fields["first"].initial = newest - timedelta(days=DEFAULT_STEP_DAYS * (DEFAULT_DATES - 1))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last, step = (cleaned.get(name) for name in ("first", "last", "step_days"))
        if first and last and step:
            if last < first:
                self.add_error("last", "The last date comes before the first.")
            elif (last - first).days // step >= MAX_DATES:
                self.add_error("step_days", f"These are more than {MAX_DATES} dates; take longer steps.")
        return cleaned

    def save(self, actor: User) -> Backtest | None:
        """Return the backtest; None with an error on the form when the service refuses."""
        cleaned = self.cleaned_data
        rule = ChurnRule(
            cleaned["rule"],
            horizon_days=cleaned["horizon_days"],
            lead_days=cleaned["lead_days"],
            active_days=cleaned["active_days"],
            events=tuple(sorted({name.strip() for name in cleaned["events"].split(",") if name.strip()})),
        )
        try:
            return create_backtest(
                candidates=[self.candidates[key] for key in cleaned["contenders"]],
                rule=rule,
                dates=_dates(cleaned["first"], cleaned["last"], cleaned["step_days"]),
                capacity=cleaned["capacity"],
                learns=cleaned["learns"],
                scorecard=self.scorecard,
                now=timezone.now(),
                actor=actor,
            )
        except InvalidInput as error:
            field = {"versions": "contenders", "dates": "last"}.get(error.field or "", error.field)
            self.add_error(field if field in self.fields else None, error.message)
            return None


def _dates(first: date, last: date, step: int) -> list[date]:
    return [last - timedelta(days=back) for back in range(0, (last - first).days + 1, step)]


def _candidates(scorecard: Scorecard) -> dict[str, Candidate]:
    """Return what can be judged: its version in force, its drafts, its older versions, others' versions in force."""
    versions = list(scorecard.versions.select_related("scorecard")[:OFFERED_VERSIONS])
    versions.sort(key=lambda version: (version.pk != scorecard.version_id, -version.number))
    found = [Candidate.of_version(version) for version in versions[:1]]
    found += [Candidate.of_draft(draft) for draft in scorecard.drafts.all()]
    found += [Candidate.of_version(version) for version in versions[1:]]
    others = Scorecard.objects.current().exclude(pk=scorecard.pk).exclude(version=None)
    found += [
        Candidate.of_version(other.version) for other in others.select_related("version__scorecard") if other.version
    ]
    return {each.key: each for each in found}
