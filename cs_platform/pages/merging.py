"""Two accounts, or two people of one, that turn out to be the same."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.errors import InvalidInput
from accounts.forms.merging import AccountMergeForm, ContactMergeForm
from accounts.models import Account, Contact, Membership
from accounts.permissions import get_account_for
from accounts.services import merge_accounts, merge_contacts
from health.usage.merging import copy_usage, pass_on_contact
from health.usage.moment import take_write_moment
from team.models import User
from team.permissions import check_can_configure
from team.requests import UserRequest


@require_http_methods(["GET", "POST"])
def account_merge(request: UserRequest, pk: int) -> HttpResponse:
    account = get_account_for(request.user, pk)
    check_can_configure(request.user)
    form = AccountMergeForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        gone: Account = form.cleaned_data["gone"]
        try:
            join_accounts_into_one(kept=account, gone=gone, actor=request.user)
        except InvalidInput as error:
            form.add_error("gone", error.message)
        else:
            messages.success(request, f"{gone} is merged into {account}.")
            return redirect("account", pk=pk)
    context = {"account": account, "form": form}
    return render(request, "pages/account_merge.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def contact_merge(request: UserRequest, pk: int, membership_pk: int) -> HttpResponse:
    account = get_account_for(request.user, pk)
    check_can_configure(request.user)
    current = Membership.objects.filter(account=account, until=None)
    membership = current.filter(pk=membership_pk).select_related("contact").first()
    if membership is None:
        raise Http404("This person is not at the account (any more).")
    others = Contact.objects.filter(pk__in=current.values("contact")).exclude(pk=membership.contact_id)
    form = ContactMergeForm(request.POST or None, others=others)
    if request.method == "POST" and form.is_valid():
        kept: Contact = form.cleaned_data["kept"]
        try:
            join_contacts_into_one(kept=kept, gone=membership.contact, actor=request.user)
        except InvalidInput as error:
            form.add_error("kept", error.message)
        else:
            messages.success(request, f"{membership.contact} is merged into {kept}.")
            return redirect("account_people", pk=pk)
    context = {"account": account, "membership": membership, "form": form}
    return render(request, "pages/contact_merge.html", context, status=422 if form.is_bound else 200)


@transaction.atomic
def join_accounts_into_one(*, kept: Account, gone: Account, actor: User) -> None:
    """Merge what both rooms know of two accounts. The lock on usage comes first, as everywhere."""
    now = take_write_moment()
    merge_accounts(kept=kept, gone=gone, now=now, actor=actor)
    copy_usage(kept_id=kept.pk, gone_id=gone.pk, recorded_at=now)


@transaction.atomic
def join_contacts_into_one(*, kept: Contact, gone: Contact, actor: User) -> None:
    """Merge what both rooms know of two contacts."""
    now = take_write_moment()
    merge_contacts(kept=kept, gone=gone, now=now, actor=actor)
    pass_on_contact(kept_id=kept.pk, gone_id=gone.pk)
