"""Forms about data sources."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils import timezone

from accounts.errors import InvalidInput
from accounts.models import Product
from health.enums import RejectionState
from health.feeds import feeds
from health.models import Incident, RejectedEvent, Source
from health.models.sources import USER_IDS
from health.services.incidents import MAX_REASON_LENGTH, close_incident, declare_incident
from health.services.sources import create_source, update_source
from team.models import User


class SourceForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What sends the events: “Web app”, “Backend”, “iOS app”.")
    product = forms.ModelChoiceField(
        queryset=Product.objects.all(),
        required=False,
        empty_label="All of them, or the only one",
        help_text="Metrics can be limited to a product.",
    )
    system = forms.CharField(
        max_length=40,
        initial=USER_IDS,
        label="Whose ids it sends",
        help_text="Sources that give the same person the same user id share one word. Leave it, unless ids clash.",
    )

    def __init__(self, *args: Any, source: Source | None = None, **kwargs: Any) -> None:
        self.source = source
        if source is not None:
            kwargs["initial"] = {"name": source.name, "product": source.product, "system": source.system}
        super().__init__(*args, **kwargs)

    def save(self, actor: User) -> Source | None:
        """Return the source; None with an error on the form when the service refuses."""
        try:
            if self.source is None:
                return create_source(now=timezone.now(), actor=actor, **self.cleaned_data)
            return update_source(source=self.source, now=timezone.now(), actor=actor, **self.cleaned_data)
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
            return None


class IncidentForm(forms.Form):
    """Says that a feed of data has been wrong since a day."""

    feed = forms.ChoiceField(label="Which data")
    since = forms.DateField(
        label="Wrong since",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="A day in UTC. Measures made from these data are read as of the beginning of that day.",
    )
    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH, help_text="For colleagues: “The release of Monday lost half of the events”."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.feeds = {feed.token: feed for feed in feeds()}
        field = self.fields["feed"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(token, feed.label) for token, feed in self.feeds.items()]

    def save(self, actor: User) -> Incident | None:
        """Return the incident; None with an error on the form when the service refuses."""
        given = self.cleaned_data
        since = datetime.combine(given["since"], time(), UTC)
        feed = self.feeds[given["feed"]]
        try:
            return declare_incident(
                feed=feed, collapsed_since=since, reason=given["reason"], now=timezone.now(), actor=actor
            )
        except InvalidInput as error:
            names = {"collapsed_since": "since"}
            field = names.get(error.field or "", error.field or "")
            self.add_error(field if field in self.fields else None, error.message)
            return None


class ClosingForm(forms.Form):
    """Ends an incident by hand."""

    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH, label="Why", help_text="For example: “We have turned it off on purpose”."
    )

    def save(self, incident: Incident, actor: User) -> Incident | None:
        """Return the incident; None with an error on the form when the service refuses."""
        try:
            return close_incident(
                incident=incident, reason=self.cleaned_data["reason"], now=timezone.now(), actor=actor
            )
        except InvalidInput as error:
            self.add_error("reason" if error.field == "reason" else None, error.message)
            return None


class RejectedFilter(forms.Form):
    """Which rejected events to show or settle."""

    state = forms.ChoiceField(choices=RejectionState.choices, required=False)
    source = forms.ModelChoiceField(queryset=Source.objects.all(), required=False, empty_label="All sources")
    code = forms.CharField(required=False, max_length=40)

    def chosen(self) -> dict[str, Any]:
        """Return the conditions for RejectedEvent; what cannot be read counts as not given."""
        found = self.cleaned_data if self.is_bound and self.is_valid() else {}
        chosen = {"state": found.get("state") or RejectionState.OPEN}
        return chosen | {name: found[name] for name in ("source", "code") if found.get(name)}

    @staticmethod
    def codes() -> list[str]:
        """Return the reasons there are."""
        rows = RejectedEvent.objects.order_by("code").values_list("code", flat=True)
        return list(rows.distinct())
