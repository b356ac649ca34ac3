"""Forms of alerts: a rule, a pause, a verdict, a day's budget."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts.conditions.editor import Editor
from accounts.errors import InvalidInput
from health.enums import AlertKind
from health.models import AlertRule
from health.services.alert_rules import MAX_DAYS, create_rule, rule_config, update_rule
from health.services.alerts import MAX_NOTE_LENGTH, MAX_PAUSE_DAYS, MAX_PER_DAY, MAX_REASON_LENGTH
from team.models import User

MAX_GUIDANCE_ROWS = 4
SMALL = {"class": "form-select form-select-sm"}


class AlertRuleForm(forms.Form):
    """All of a rule but its conditions, which come from two editors."""

    name = forms.CharField(max_length=80)
    kind = forms.ChoiceField(choices=AlertKind.choices, widget=forms.RadioSelect, initial=AlertKind.RISK)
    guidance = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": MAX_GUIDANCE_ROWS}),
        label="What to do",
        help_text="Shown with every alert: the first step, and whom to talk to.",
    )
    hold_days = forms.IntegerField(
        min_value=0, max_value=MAX_DAYS, initial=0, label="Days it must be so", help_text="0: it is raised at once."
    )
    cooldown_days = forms.IntegerField(
        min_value=0,
        max_value=MAX_DAYS,
        initial=14,
        label="Days of rest",
        help_text="After one has ended, no other for the same account.",
    )
    minimum_confidence = forms.IntegerField(
        min_value=0,
        max_value=100,
        initial=0,
        label="Least confidence, %",
        help_text="Of the health score. 0: any, also without a score.",
    )
    owner = forms.ModelChoiceField(
        queryset=User.objects.filter(is_active=True),
        required=False,
        empty_label="Nobody",
        help_text="Who answers for it.",
    )
    position = forms.IntegerField(min_value=0, max_value=10_000, initial=50, help_text="Its place in the list.")
    is_live = forms.BooleanField(required=False, initial=True, label="Live", help_text="It looks at all accounts.")
    raise_standing = forms.BooleanField(
        required=False,
        label="Raise an alert for everybody who matches now",
        help_text="Left out, they are listed as standing, and only what changes from now on is raised.",
    )

    def __init__(self, *args: Any, rule: AlertRule | None = None, **kwargs: Any) -> None:
        self.rule = rule
        if rule is not None:
            kwargs["initial"] = rule_config(rule) | {"owner": rule.owner}
        super().__init__(*args, **kwargs)

    def fields_with(self, enter: Editor, leave: Editor) -> dict[str, Any]:
        """Return the fields of a rule from a valid form and its editors."""
        fields = {name: value for name, value in self.cleaned_data.items() if name not in {"owner", "raise_standing"}}
        return fields | {"enter": enter.tree(), "leave": leave.tree()}

    def save(self, enter: Editor, leave: Editor, user: User) -> AlertRule | None:
        """Return the rule, or None with an error on the form or an editor when the service refuses."""
        options: dict[str, Any] = {
            "fields": self.fields_with(enter, leave),
            "now": timezone.now(),
            "actor": user,
            "raise_standing": self.cleaned_data["raise_standing"],
        }
        try:
            if self.rule is None:
                return create_rule(owner=self.cleaned_data["owner"], **options)
            options["fields"]["owner"] = self.cleaned_data["owner"]
            return update_rule(rule=self.rule, **options)
        except InvalidInput as error:
            editor = {"enter": enter, "leave": leave}.get(error.field or "")
            if editor is not None:
                editor.error = error.message
            else:
                self.add_error(error.field if error.field in self.fields else None, error.message)
            return None


class PauseForm(forms.Form):
    """For how many days something is put aside."""

    days = forms.IntegerField(min_value=1, max_value=MAX_PAUSE_DAYS)

    def until(self, now: datetime) -> datetime:
        return now + timedelta(days=self.cleaned_data["days"])


class MuteForm(PauseForm):
    reason = forms.CharField(max_length=MAX_REASON_LENGTH)


class VerdictForm(forms.Form):
    useful = forms.TypedChoiceField(
        choices=[("yes", "Useful"), ("no", "Not useful")], coerce=lambda word: word == "yes"
    )
    note = forms.CharField(max_length=MAX_NOTE_LENGTH, required=False)


class BudgetForm(forms.Form):
    accounts_per_day = forms.IntegerField(min_value=0, max_value=MAX_PER_DAY, required=False)


class InboxFilter(forms.Form):
    """What the inbox shows; what cannot be read counts as not given."""

    kind = forms.ChoiceField(
        choices=[("", "Risks and opportunities"), *AlertKind.choices], required=False, widget=forms.Select(attrs=SMALL)
    )
    rule = forms.ModelChoiceField(
        queryset=AlertRule.objects.all(), required=False, empty_label="All rules", widget=forms.Select(attrs=SMALL)
    )
    page = forms.IntegerField(min_value=1, max_value=10_000, required=False)

    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        found = self.cleaned_data
        rule = found.get("rule")
        return {"kind": found.get("kind") or "", "rule_id": rule.pk if rule else None, "page": found.get("page") or 1}
