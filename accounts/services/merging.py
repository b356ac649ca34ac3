"""Two rows that turn out to be one: a person known twice, a company known twice.

What was known in the past stays as it was known. Facts go to the row that is kept; the other leaves a
tombstone that says which one that is.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import (
    Account,
    AccountTeamMember,
    Activity,
    Contact,
    ExternalId,
    Membership,
    Sentiment,
    Subscription,
    SurveyResponse,
    Ticket,
)
from accounts.services.accounts import update_account
from accounts.services.attributes import BUILTIN
from accounts.services.contacts import TEXTS, pin_persona, update_contact
from accounts.services.context import Context
from accounts.services.facts import edit_activity, edit_survey_response
from accounts.services.subscriptions import refresh_account_terms
from team.models import User

# What simply says which account it belongs to.
OF_ACCOUNT = (Subscription, Activity, Ticket, SurveyResponse)


@transaction.atomic
def merge_contacts(*, kept: Contact, gone: Contact, now: datetime, actor: User | None = None) -> Contact:
    """Make two contacts one. What the kept one does not say, the other says; returns the kept one.

    Memberships pass over as something learned now; usage stays with whom it was recorded for. Raises
    InvalidInput.
    """
    kept, gone = _locked(Contact, kept, gone)
    context = Context(now=now, actor=actor)
    fields: dict[str, Any] = {name: getattr(gone, name) for name in TEXTS if not getattr(kept, name)}
    fields["attributes"] = {key: value for key, value in gone.attributes.items() if key not in kept.attributes}
    Contact.objects.filter(pk=gone.pk).update(deleted_at=now, merged_into=kept)
    ExternalId.objects.filter(entity=Entity.CONTACT, object_id=gone.pk).update(object_id=kept.pk)
    for membership in gone.memberships.filter(until=None).select_related("account"):
        _pass_on(membership, kept, context)
    update_contact(contact=kept, fields=fields, now=now, actor=actor)
    for activity in Activity.all_objects.filter(contacts=gone, deleted_at=None):
        others = activity.contacts.exclude(pk__in=[gone.pk, kept.pk])
        edit_activity(activity=activity, fields={"contacts": [*others, kept]}, editor=actor)
    for response in SurveyResponse.objects.filter(contact=gone):
        edit_survey_response(response=response, fields={"contact": kept}, now=now, actor=actor)
    Ticket.all_objects.filter(contact=gone).update(contact=kept)
    kept.refresh_from_db()
    if kept.persona is None and gone.persona is not None:
        pin_persona(contact=kept, persona=gone.persona, now=now, actor=actor)
    return kept


@transaction.atomic
def merge_accounts(*, kept: Account, gone: Account, now: datetime, actor: User | None = None) -> Account:
    """Make two accounts one. What the kept one does not say, the other says; returns the kept one.

    Raises InvalidInput, also where one stands below the other. Usage is health's to copy.
    """
    kept, gone = _locked(Account, kept, gone)
    if kept.pk in _above(gone) or gone.pk in _above(kept):
        msg = f"{kept} and {gone} stand one below the other; take that away first."
        raise InvalidInput(msg, "gone")
    context = Context(now=now, actor=actor)
    fields = {name: getattr(gone, name) for name in ("domain", "parent", "customer_since") if not getattr(kept, name)}
    for name in BUILTIN:
        column = f"{name}_id" if name in {"csm", "team"} else name
        if not getattr(kept, column) and getattr(gone, column):
            fields[name] = getattr(gone, column)
    fields["attributes"] = {key: value for key, value in gone.attributes.items() if key not in kept.attributes}
    for membership in gone.memberships.filter(until=None).select_related("contact", "account"):
        _pass_on(membership, membership.contact, context, account=kept)
    for model in OF_ACCOUNT:
        model.all_objects.filter(account=gone).update(account=kept)
    Sentiment.objects.filter(account=gone).update(account=kept)
    _pass_on_team(kept, gone, now=now)
    Account.all_objects.filter(parent=gone).update(parent=kept)
    ExternalId.objects.filter(entity=Entity.ACCOUNT, object_id=gone.pk).update(object_id=kept.pk)
    Account.objects.filter(pk=gone.pk).update(deleted_at=now, merged_into=kept)
    kept = update_account(account=kept, fields=fields, now=now, actor=actor)
    refresh_account_terms(kept, today=now.date())
    context.tell(kept.pk, "account.merged", now, {"account_id": gone.pk})
    context.tell(gone.pk, "account.deleted", now, {"merged_into": kept.pk})
    return kept


def _locked(model: type[Any], kept: Any, gone: Any) -> tuple[Any, Any]:
    """Return both rows, locked in one order for all. Raises InvalidInput."""
    if kept.pk == gone.pk:
        raise InvalidInput("These are the same already.", "gone")
    rows = {row.pk: row for row in model.objects.select_for_update().filter(pk__in=[kept.pk, gone.pk]).order_by("pk")}
    if len(rows) < 2:
        raise InvalidInput("One of the two was deleted meanwhile.", "gone")
    return rows[kept.pk], rows[gone.pk]


def _pass_on(membership: Membership, contact: Contact, context: Context, *, account: Account | None = None) -> None:
    """End a membership, and let what takes its place have begun when it did, known from now on."""
    account = account or membership.account
    Membership.objects.filter(pk=membership.pk).update(
        until=max(context.now, membership.occurred_at), until_received_at=context.now
    )
    if Membership.objects.filter(contact=contact, account=account, until=None).exists():
        return
    Membership.objects.create(
        contact=contact, account=account, role=membership.role, **context.times(membership.occurred_at)
    )
    payload: dict[str, object] = {"contact_id": contact.pk, "role": membership.role}
    if contact.pk != membership.contact_id:
        payload["gone_id"] = membership.contact_id
    context.tell(account.pk, "contact.merged" if "gone_id" in payload else "contact.joined", context.now, payload)


def _pass_on_team(kept: Account, gone: Account, *, now: datetime) -> None:
    there = set(AccountTeamMember.objects.current().filter(account=kept).values_list("user", "function"))
    for member in AccountTeamMember.objects.current().filter(account=gone):
        AccountTeamMember.objects.filter(pk=member.pk).update(until=now)
        if (member.user_id, member.function) not in there:
            AccountTeamMember.objects.create(account=kept, user_id=member.user_id, function=member.function, since=now)


def _above(account: Account) -> set[int]:
    """Return the keys of the accounts above one."""
    found: set[int] = set()
    parent_id = account.parent_id
    while parent_id is not None and parent_id not in found:
        found.add(parent_id)
        parent_id = Account.all_objects.values_list("parent", flat=True).get(pk=parent_id)
    return found
