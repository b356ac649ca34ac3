"""The timeline's composer."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts.enums import ActivityKind, Initiative
from accounts.models import Account, Activity, Contact
from accounts.services import edit_activity, record_activity
from team.models import User

FUTURE_TOLERANCE = timedelta(minutes=5)


class ActivityForm(forms.Form):
    """A call, mail, meeting, chat or note that took place."""

    kind = forms.ChoiceField(choices=ActivityKind.choices, initial=ActivityKind.CALL)
    subject = forms.CharField(max_length=300, required=False, label="Subject")
    body = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False, label="What was said")
    contacts = forms.ModelMultipleChoiceField(
        queryset=Contact.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="With"
    )
    initiative = forms.ChoiceField(
        choices=[("", "Not known"), *Initiative.choices], required=False, label="Who acted first"
    )
    occurred_at = forms.DateTimeField(
        label="When",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        current = account.memberships.filter(until=None).values("contact")
        contacts = self.fields["contacts"]
        assert isinstance(contacts, forms.ModelMultipleChoiceField)
        contacts.queryset = Contact.objects.filter(pk__in=current)
        self.fields["occurred_at"].initial = timezone.now

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("subject") and not cleaned.get("body"):
            self.add_error("body", "Write a subject or what was said, so that others can follow.")
        occurred_at = cleaned.get("occurred_at")
        if occurred_at and occurred_at > timezone.now() + FUTURE_TOLERANCE:
            self.add_error("occurred_at", "This lies in the future. Log it once it has taken place.")
        return cleaned

    def save(self, author: User) -> Activity:
        activity, _ = record_activity(
            account=self.account, author=author, function=author.function, now=timezone.now(), **self.cleaned_data
        )
        return activity


class ActivityEditForm(forms.Form):
    subject = forms.CharField(max_length=300, required=False, label="Subject")
    body = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), required=False, label="What was said")
    initiative = forms.ChoiceField(
        choices=[("", "Not known"), *Initiative.choices], required=False, label="Who acted first"
    )

    def save(self, activity: Activity, editor: User) -> Activity:
        return edit_activity(activity=activity, fields=self.cleaned_data, editor=editor)
