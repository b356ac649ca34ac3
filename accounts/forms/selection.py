"""What is to change on the accounts that somebody picked."""

from typing import Any

from django import forms

from accounts.enums import Stage, Tier
from accounts.services.selection import CHANGEABLE
from team.models import User

LEAVE, NOBODY = "", "none"


class SelectionForm(forms.Form):
    """Each field left as it is changes nothing; at least one thing has to be done."""

    csm = forms.ChoiceField(required=False, label="CSM")
    stage = forms.ChoiceField(
        choices=[(LEAVE, "Leave as it is"), *Stage.choices], required=False, label="Lifecycle stage"
    )
    tier = forms.ChoiceField(choices=[(LEAVE, "Leave as it is"), *Tier.choices], required=False)
    note = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text="Stands in the timeline of each of these accounts.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        csm = self.fields["csm"]
        assert isinstance(csm, forms.ChoiceField)
        users = [(str(user.pk), str(user)) for user in User.objects.filter(is_active=True).order_by("name", "email")]
        csm.choices = [(LEAVE, "Leave as it is"), (NOBODY, "Nobody"), *users]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not any(cleaned.values()):
            raise forms.ValidationError("Choose what to change, or write a note.")
        return cleaned

    @property
    def changes(self) -> dict[str, Any]:
        """Return the fields that change, as services take them."""
        said = {name: self.cleaned_data[name] for name in CHANGEABLE if self.cleaned_data[name] != LEAVE}
        if "csm" in said:
            said["csm"] = None if said["csm"] == NOBODY else int(said["csm"])
        return said
