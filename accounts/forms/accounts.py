"""An account: who it is, who looks after it, and every attribute that was defined for accounts."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from accounts.enums import AttributeType, Entity, Stage, Tier
from accounts.errors import InvalidInput
from accounts.models import Account, AttributeDefinition
from accounts.services import create_account, update_account
from team.models import Team, User

COLUMNS = ["name", "domain", "parent", "customer_since", "stage", "tier", "csm", "team"]
PREFIX = "attribute_"


class ParentField(forms.CharField):
    """The name of an account the user may see; a list of all would be long."""

    def __init__(self, user: User, current: Account | None, **kwargs: Any) -> None:
        self.user, self.current = user, current
        super().__init__(required=False, **kwargs)

    def clean(self, value: Any) -> Account | None:
        name = super().clean(value)
        if not name:
            return None
        if self.current is not None and name == self.current.name:
            return self.current
        found = list(Account.objects.visible_to(self.user).filter(name__iexact=name).distinct()[:2])
        if len(found) != 1:
            many = "More than one account is" if found else "No account is"
            msg = f"{many} called {name!r}. Give the exact name of one."
            raise forms.ValidationError(msg)
        return found[0]


class AccountForm(forms.Form):
    name = forms.CharField(max_length=200)
    domain = forms.CharField(max_length=253, required=False, help_text="Such as acme.example")
    customer_since = forms.DateField(required=False, widget=forms.DateInput({"type": "date"}))
    stage = forms.ChoiceField(choices=[("", "Not known"), *Stage.choices], required=False, label="Lifecycle stage")
    tier = forms.ChoiceField(choices=[("", "Not known"), *Tier.choices], required=False)
    csm = forms.ModelChoiceField(User.objects.none(), required=False, label="CSM", empty_label="Nobody")
    team = forms.ModelChoiceField(
        Team.objects.all(),
        required=False,
        empty_label="No team: everybody sees it",
        help_text="Accounts of a team are seen by its members, editors and admins.",
    )

    def __init__(self, *args: Any, user: User, account: Account | None = None, **kwargs: Any) -> None:
        self.user, self.account = user, account
        self.definitions = list(AttributeDefinition.objects.filter(entity=Entity.ACCOUNT, is_builtin=False))
        if account is not None:
            kwargs["initial"] = _initial(account, self.definitions)
        super().__init__(*args, **kwargs)
        self.fields["parent"] = ParentField(
            user, account and account.parent, label="Parent account", help_text="Its exact name"
        )
        users = User.objects.filter(is_active=True)
        if account is not None and account.csm_id:
            users |= User.objects.filter(pk=account.csm_id)
        csm = self.fields["csm"]
        assert isinstance(csm, forms.ModelChoiceField)
        csm.queryset = users
        for definition in self.definitions:
            self.fields[f"{PREFIX}{definition.key}"] = _attribute_field(definition)

    def save(self) -> Account | None:
        """Return the account, or None with an error on the form when a service refuses."""
        values = self.cleaned_data
        fields = {name: values[name] for name in COLUMNS}
        fields["attributes"] = {d.key: _plain(values[f"{PREFIX}{d.key}"]) for d in self.definitions}
        now = timezone.now()
        try:
            if self.account is None:
                return create_account(fields=fields, now=now, actor=self.user)
            return update_account(account=self.account, fields=fields, now=now, actor=self.user)
        except InvalidInput as error:
            name = f"{PREFIX}{error.field}" if f"{PREFIX}{error.field}" in self.fields else error.field
            self.add_error(name if name in self.fields else None, error.message)
            return None


def _initial(account: Account, definitions: list[AttributeDefinition]) -> dict[str, Any]:
    initial = {name: getattr(account, name) for name in COLUMNS}
    initial["parent"] = account.parent.name if account.parent else ""
    for definition in definitions:
        value = account.attributes.get(definition.key)
        initial[f"{PREFIX}{definition.key}"] = "" if value is None else value
        if definition.type == AttributeType.BOOLEAN and value is not None:
            initial[f"{PREFIX}{definition.key}"] = "true" if value else "false"
    return initial


def _attribute_field(definition: AttributeDefinition) -> forms.Field:
    options: dict[str, Any] = {"required": False, "label": definition.label}
    match definition.type:
        case AttributeType.NUMBER:
            return forms.FloatField(**options)
        case AttributeType.BOOLEAN:
            return forms.ChoiceField(choices=[("", "Not known"), ("true", "Yes"), ("false", "No")], **options)
        case AttributeType.DATE:
            return forms.DateField(widget=forms.DateInput({"type": "date"}), **options)
        case AttributeType.CHOICE:
            return forms.ChoiceField(choices=[("", "Not known"), *((c, c) for c in definition.choices)], **options)
        case AttributeType.USER:
            return forms.ModelChoiceField(User.objects.filter(is_active=True), empty_label="Nobody", **options)
    return forms.CharField(max_length=1000, **options)


def _plain(value: Any) -> Any:
    """Return a form's value as attributes keep it."""
    if value in ("", None):
        return None
    if isinstance(value, User):
        return value.pk
    return value.isoformat() if isinstance(value, date) else value
