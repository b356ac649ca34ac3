"""Writing down a new account, changing one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.forms.accounts import AccountForm
from accounts.models import Account
from accounts.permissions import get_account_for
from team.permissions import check_can_contribute
from team.requests import UserRequest


@require_http_methods(["GET", "POST"])
def new_account(request: UserRequest) -> HttpResponse:
    check_can_contribute(request.user)
    return _account_page(request, None)


@require_http_methods(["GET", "POST"])
def edit_account(request: UserRequest, pk: int) -> HttpResponse:
    account = get_account_for(request.user, pk)
    check_can_contribute(request.user)
    return _account_page(request, account)


def _account_page(request: UserRequest, account: Account | None) -> HttpResponse:
    form = AccountForm(request.POST or None, user=request.user, account=account)
    if request.method == "POST" and form.is_valid() and (saved := form.save()):
        messages.success(request, f"{saved.name} is saved.")
        if not Account.objects.visible_to(request.user).filter(pk=saved.pk).exists():
            return redirect("account_list")
        return redirect("account", pk=saved.pk)
    context = {"account": account, "form": form}
    return render(request, "accounts/account_form.html", context, status=422 if form.is_bound else 200)
