"""People of an account, and the CSM's sentiment."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.contacts import ContactForm, SentimentForm
from accounts.models import Account, Membership
from accounts.permissions import get_account_for
from accounts.services import leave_account
from team.permissions import check_can_contribute
from team.requests import UserRequest


@require_http_methods(["GET", "POST"])
def add_contact(request: UserRequest, pk: int) -> HttpResponse:
    account = get_account_for(request.user, pk)
    check_can_contribute(request.user)
    return _contact_page(request, account, None)


@require_http_methods(["GET", "POST"])
def change_contact(request: UserRequest, pk: int, membership_pk: int) -> HttpResponse:
    account = get_account_for(request.user, pk)
    check_can_contribute(request.user)
    return _contact_page(request, account, _get_membership(account, membership_pk))


@require_POST
def contact_left(request: UserRequest, pk: int, membership_pk: int) -> HttpResponse:
    """The "left" flow: the person stays known, the account loses them."""
    account = get_account_for(request.user, pk)
    check_can_contribute(request.user)
    membership = _get_membership(account, membership_pk)
    now = timezone.now()
    leave_account(membership=membership, at=now, now=now, actor=request.user)
    messages.success(request, f"{membership.contact} is marked as gone from {account}.")
    return redirect("account_people", pk=pk)


@require_http_methods(["GET", "POST"])
def give_sentiment(request: UserRequest, pk: int) -> HttpResponse:
    account = get_account_for(request.user, pk)
    check_can_contribute(request.user)
    form = SentimentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save(account, request.user)
        messages.success(request, "Your sentiment is recorded.")
        return redirect("account", pk=pk)
    context = {"account": account, "form": form}
    return render(request, "accounts/sentiment_form.html", context, status=422 if form.is_bound else 200)


def _contact_page(request: UserRequest, account: Account, membership: Membership | None) -> HttpResponse:
    form = ContactForm(request.POST or None, membership=membership)
    if request.method == "POST" and form.is_valid() and (saved := form.save(account, request.user)):
        messages.success(request, f"{saved.contact} saved.")
        return redirect("account_people", pk=account.pk)
    context = {"account": account, "membership": membership, "form": form}
    return render(request, "accounts/contact_form.html", context, status=422 if form.is_bound else 200)


def _get_membership(account: Account, pk: int) -> Membership:
    membership = Membership.objects.filter(account=account, pk=pk, until=None).select_related("contact").first()
    if membership is None:
        msg = "This person is not at the account (any more)."
        raise Http404(msg)
    return membership
