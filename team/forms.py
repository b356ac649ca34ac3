"""Forms about users, keys and oneself."""

from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils import timezone

from team.enums import AccessLevel, Function
from team.errors import InvalidTeamInput
from team.models import ApiKey, Team, User
from team.scopes import SCOPES
from team.services import create_api_key, create_team, invite_user, rename_team, update_profile, update_user

EXPIRY = {"": "Never", "30": "In 30 days", "90": "In 90 days", "365": "In a year"}


class _ServiceForm(forms.Form):
    """Puts what a service refuses beside the field it is about."""

    def refuse(self, error: InvalidTeamInput) -> None:
        self.add_error(error.field if error.field in self.fields else None, error.message)


class _UserFields(_ServiceForm):
    """Who somebody is and what they may do."""

    email = forms.EmailField(label="E-mail", max_length=254)
    name = forms.CharField(max_length=150, required=False)
    access_level = forms.ChoiceField(
        choices=AccessLevel.choices,
        initial=AccessLevel.CONTRIBUTOR,
        help_text="Admins do everything; editors configure; contributors work with accounts; viewers read.",
    )
    function = forms.ChoiceField(choices=Function.choices, initial=Function.CSM)
    teams = forms.ModelMultipleChoiceField(
        queryset=Team.objects.all(), required=False, widget=forms.CheckboxSelectMultiple
    )


class InviteForm(_UserFields):
    def save(self, actor: User) -> tuple[User, str] | None:
        """Return the user and the link to choose a password; None with an error when the service refuses."""
        try:
            return invite_user(now=timezone.now(), actor=actor, **self.cleaned_data)
        except InvalidTeamInput as error:
            self.refuse(error)
            return None


class UserForm(_UserFields):
    is_active = forms.BooleanField(
        required=False, initial=True, label="May sign in", help_text="Taking it away ends all sessions at once."
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        names = ["email", "name", "access_level", "function", "is_active"]
        kwargs["initial"] = {name: getattr(user, name) for name in names} | {"teams": user.teams.all()}
        super().__init__(*args, **kwargs)

    def save(self, actor: User) -> User | None:
        """Return the user; None with an error on the form when the service refuses."""
        try:
            return update_user(user=self.user, now=timezone.now(), actor=actor, **self.cleaned_data)
        except InvalidTeamInput as error:
            self.refuse(error)
            return None


class TeamForm(_ServiceForm):
    name = forms.CharField(max_length=100, label="Name of the team")

    def __init__(self, *args: Any, team: Team | None = None, **kwargs: Any) -> None:
        self.team = team
        if team is not None:
            kwargs["initial"] = {"name": team.name}
        super().__init__(*args, **kwargs)

    def save(self, actor: User) -> Team | None:
        """Create the team, or rename the one given; None with an error when the service refuses."""
        name, now = self.cleaned_data["name"], timezone.now()
        try:
            if self.team is None:
                return create_team(name=name, now=now, actor=actor)
            return rename_team(team=self.team, name=name, now=now, actor=actor)
        except InvalidTeamInput as error:
            self.refuse(error)
            return None


class SecurityLogForm(forms.Form):
    """What of the log to show; every field may be empty."""

    kind = forms.ChoiceField(required=False)
    user = forms.ModelChoiceField(queryset=User.objects.all(), required=False, label="By", empty_label="Anybody")
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="Until (including)", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, kinds: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "Everything"), *((kind, kind) for kind in kinds)]  # type: ignore[attr-defined]


class ApiKeyForm(_ServiceForm):
    name = forms.CharField(max_length=100, help_text="Who uses it, e.g. “HubSpot sync”.")
    scopes = forms.MultipleChoiceField(choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple)
    expires = forms.ChoiceField(choices=list(EXPIRY.items()), required=False, label="Expires")

    def save(self, actor: User) -> tuple[ApiKey, str] | None:
        """Return the row and the key, which is shown this once; None when the service refuses."""
        now = timezone.now()
        days = self.cleaned_data["expires"]
        try:
            return create_api_key(
                name=self.cleaned_data["name"],
                scopes=self.cleaned_data["scopes"],
                now=now,
                expires_at=now + timedelta(days=int(days)) if days else None,
                actor=actor,
            )
        except InvalidTeamInput as error:
            self.refuse(error)
            return None


class ProfileForm(forms.Form):
    name = forms.CharField(max_length=150)
    time_zone = forms.ChoiceField(
        choices=[(name, name.replace("_", " ")) for name in sorted(available_timezones())],
        help_text="Times on pages, days and due dates follow it.",
    )

    def save(self, user: User) -> User:
        return update_profile(user=user, **self.cleaned_data)
