"""People of an account: add, change, let go."""

from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone

from accounts.enums import ContactRole, SentimentLevel
from accounts.errors import InvalidInput
from accounts.models import Account, Membership, Persona
from accounts.services import create_contact, join_account, pin_persona, record_sentiment, update_contact
from team.models import User


class ContactForm(forms.Form):
    """A person and their part in one account."""

    name = forms.CharField(max_length=200)
    email = forms.EmailField(max_length=254, required=False, label="E-mail")
    title = forms.CharField(max_length=150, required=False, label="Job title")
    phone = forms.CharField(max_length=40, required=False)
    role = forms.ChoiceField(choices=ContactRole.choices, initial=ContactRole.END_USER)
    persona = forms.ModelChoiceField(queryset=Persona.objects.all(), required=False, empty_label="None")

    def __init__(self, *args: Any, membership: Membership | None = None, **kwargs: Any) -> None:
        self.membership = membership
        if membership is not None:
            contact = membership.contact
            kwargs["initial"] = {
                "name": contact.name,
                "email": contact.email,
                "title": contact.title,
                "phone": contact.phone,
                "role": membership.role,
                "persona": contact.persona,
            }
        super().__init__(*args, **kwargs)

    @transaction.atomic
    def save(self, account: Account, actor: User) -> Membership | None:
        """Return the membership, or None with an error on the form when a service refuses."""
        now = timezone.now()
        values = self.cleaned_data
        fields = {name: values[name] for name in ("name", "email", "title", "phone")}
        try:
            if self.membership is None:
                contact = create_contact(fields=fields, now=now, actor=actor)
            else:
                contact = update_contact(contact=self.membership.contact, fields=fields, now=now, actor=actor)
            if values["persona"] != contact.persona:
                pin_persona(contact=contact, persona=values["persona"], now=now, actor=actor)
            return join_account(
                contact=contact, account=account, role=values["role"], occurred_at=now, now=now, actor=actor
            )
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
            transaction.set_rollback(True)
            return None


class SentimentForm(forms.Form):
    level = forms.TypedChoiceField(choices=SentimentLevel.choices, coerce=int, label="CSM sentiment")
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False, label="Why")

    def save(self, account: Account, user: User) -> None:
        record_sentiment(account=account, user=user, now=timezone.now(), **self.cleaned_data)
