"""Which of two that are one is to go."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from accounts.forms.accounts import ParentField
from accounts.models import Contact
from team.models import User

CANNOT_UNDO = "I know that this cannot be undone"


class AccountMergeForm(forms.Form):
    """The account that goes into the one whose page this is."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gone = ParentField(user, None, label="Account that goes", help_text="Its exact name")
        gone.required = True
        self.fields["gone"] = gone
        self.fields["is_sure"] = forms.BooleanField(label=CANNOT_UNDO)


class ContactMergeForm(forms.Form):
    """The person who stays, among those of the account."""

    kept = forms.ModelChoiceField(Contact.objects.none(), label="The same person as")
    is_sure = forms.BooleanField(label=CANNOT_UNDO)

    def __init__(self, *args: Any, others: QuerySet[Contact], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = self.fields["kept"]
        assert isinstance(kept, forms.ModelChoiceField)
        kept.queryset = others
