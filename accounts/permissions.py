"""The doors to customers: no access is 404, read-only is 403."""

from django.http import Http404

from accounts.models import Account, Contact
from team.models import User


def get_account_for(user: User, pk: int) -> Account:
    """Return an account the user may see. Raises Http404."""
    account = Account.objects.visible_to(user).select_related("csm", "team", "parent").filter(pk=pk).first()
    if account is None:
        msg = "There is no such account, or you may not see it."
        raise Http404(msg)
    return account


def get_contact_for(user: User, pk: int) -> Contact:
    """Return a contact of an account the user may see, or of no account. Raises Http404."""
    contact = Contact.objects.filter(pk=pk).first()
    if contact is None or not contact_is_visible(user, contact):
        msg = "There is no such contact, or you may not see it."
        raise Http404(msg)
    return contact


def contact_is_visible(user: User, contact: Contact) -> bool:
    memberships = contact.memberships.all()
    if not memberships.exists():
        return True
    return memberships.filter(account__in=Account.objects.visible_to(user)).exists()
