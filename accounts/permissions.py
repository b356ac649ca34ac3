"""The doors to customers: no access is 404, read-only is 403."""

from typing import TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import Http404

from accounts.models import Account, Contact, Membership, Segment
from team.models import User

T = TypeVar("T", bound=Model)


def get_account_for(user: User, pk: int) -> Account:
    """Return an account the user may see. Raises Http404."""
    account = Account.objects.visible_to(user).select_related("csm", "team", "parent").filter(pk=pk).first()
    if account is None:
        msg = "There is no such account, or you may not see it."
        raise Http404(msg)
    return account


def get_segment_for(user: User, pk: int) -> Segment:
    """Return a segment the user may see. Raises Http404."""
    segment = Segment.objects.visible_to(user).filter(pk=pk).first()
    if segment is None:
        msg = "There is no such segment, or it is somebody else's own."
        raise Http404(msg)
    return segment


def check_can_change_segment(user: User, segment: Segment) -> None:
    """Raise PermissionDenied unless the segment is theirs, or shared and they may configure."""
    if not can_change_segment(user, segment):
        msg = f"The segment {segment.name} belongs to {segment.owner or 'nobody'}; save yours under another name."
        raise PermissionDenied(msg)


def can_change_segment(user: User, segment: Segment) -> bool:
    return user.can_contribute and (segment.owner_id == user.pk or (segment.is_shared and user.can_configure))


def visible_accounts(user: User | None) -> QuerySet[Account]:
    """Return the accounts somebody may see, tombstones too; None stands for another system, which sees all."""
    return Account.all_objects.all() if user is None else Account.all_objects.visible_to(user)


def visible_contacts(user: User | None) -> QuerySet[Contact]:
    """Return the contacts of visible accounts and of none, tombstones too."""
    if user is None:
        return Contact.all_objects.all()
    theirs = Membership.objects.filter(contact=OuterRef("pk"))
    seen = theirs.filter(account__in=visible_accounts(user))
    return Contact.all_objects.filter(Exists(seen) | ~Exists(theirs))


def visible_rows(rows: QuerySet[T], user: User | None) -> QuerySet[T]:
    """Narrow rows that have an account to those whose account is visible."""
    return rows if user is None else rows.filter(account__in=visible_accounts(user))
