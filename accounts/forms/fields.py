"""A field that an admin or editor defines for accounts or contacts."""

import re
from typing import Any

from django import forms

from accounts.enums import AttributeType, Entity
from accounts.errors import InvalidInput
from accounts.models import AttributeDefinition
from accounts.services import define_attribute, update_attribute

MAX_KEY_LENGTH = 60


class FieldForm(forms.Form):
    entity = forms.ChoiceField(
        choices=[(Entity.ACCOUNT, "Accounts"), (Entity.CONTACT, "Contacts")], label="Of", initial=Entity.ACCOUNT
    )
    label = forms.CharField(max_length=80, label="Name")
    key = forms.CharField(
        max_length=MAX_KEY_LENGTH,
        required=False,
        help_text="What the API, imports and conditions call it; made from the name when left empty.",
    )
    type = forms.ChoiceField(choices=AttributeType.choices, initial=AttributeType.TEXT)
    choices = forms.CharField(
        required=False, widget=forms.Textarea({"rows": 4}), help_text="One per line, for the type Choice."
    )

    def __init__(self, *args: Any, definition: AttributeDefinition | None = None, **kwargs: Any) -> None:
        self.definition = definition
        if definition is not None:
            kwargs["initial"] = {"label": definition.label, "choices": "\n".join(definition.choices)}
        super().__init__(*args, **kwargs)
        if definition is not None:
            # Stored values and conditions stand on these.
            for name in ("entity", "key", "type"):
                del self.fields[name]
            if definition.type != AttributeType.CHOICE or definition.is_builtin:
                del self.fields["choices"]

    def save(self) -> AttributeDefinition | None:
        """Return the definition, or None with an error on the form when a service refuses."""
        values = self.cleaned_data
        choices = values.get("choices", "").splitlines()
        try:
            if self.definition is not None:
                return update_attribute(definition=self.definition, label=values["label"], choices=choices)
            return define_attribute(
                entity=values["entity"],
                key=values["key"] or _key_of(values["label"]),
                label=values["label"],
                type=values["type"],
                choices=choices,
            )
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
            return None


def _key_of(label: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    return (words if words[:1].isalpha() else f"field_{words}")[:MAX_KEY_LENGTH]
