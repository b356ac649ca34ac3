"""The same change to many accounts of the list: those ticked, or all that match."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.errors import InvalidInput
from accounts.forms.selection import SelectionForm
from accounts.models import Account
from accounts.services import change_selected
from accounts.services.selection import Changed
from cs_platform.pages.accounts import AccountList
from team.permissions import check_can_contribute
from team.requests import UserRequest

MAX_ACCOUNTS = 5000
SHOWN_NAMES = 12
NAMED_IN_RESULT = 3


class Selection:
    """The accounts that are meant. `error` says why nothing can be done with them."""

    def __init__(self, request: UserRequest, asked: QueryDict) -> None:
        self.listed = AccountList(request.user, asked, timezone.now())
        self.is_all = "all" in asked
        self.error = self.listed.error if self.is_all else ""
        if self.is_all:
            accounts = self.listed.accounts
        else:
            keys = [int(key) for key in asked.getlist("account") if key.isascii() and key.isdigit() and len(key) < 19]
            accounts = Account.objects.visible_to(request.user).filter(pk__in=keys)
        self.keys = list(accounts.order_by("pk").values_list("pk", flat=True)[: MAX_ACCOUNTS + 1])
        if len(self.keys) > MAX_ACCOUNTS:
            self.error = f"At most {MAX_ACCOUNTS:,} accounts can be changed at once. Narrow the filter."

    @property
    def names(self) -> list[str]:
        return list(Account.objects.filter(pk__in=self.keys).values_list("name", flat=True)[:SHOWN_NAMES])

    @property
    def more_count(self) -> int:
        return max(0, len(self.keys) - SHOWN_NAMES)


@require_http_methods(["GET", "POST"])
def account_selection(request: UserRequest) -> HttpResponse:
    check_can_contribute(request.user)
    selection = Selection(request, request.POST if request.method == "POST" else request.GET)
    back = selection.listed.address()
    if not selection.keys and not selection.error:
        messages.error(request, "Tick the accounts to change first.")
        return redirect(back)
    form = SelectionForm(request.POST or None)
    if request.method == "POST" and not selection.error and form.is_valid():
        note = form.cleaned_data["note"]
        try:
            changed = change_selected(
                keys=selection.keys, fields=form.changes, note=note, now=timezone.now(), actor=request.user
            )
        except InvalidInput as error:
            form.add_error("note", error.message)
        else:
            (messages.warning if changed.refused else messages.success)(request, result_sentence(changed))
            return redirect(back)
    context = {"selection": selection, "form": form, "back": back}
    return render(request, "pages/account_selection.html", context, status=422 if form.is_bound else 200)


def result_sentence(changed: Changed) -> str:
    """Return what was done, what was not, and why."""
    parts = []
    if changed.accounts or not changed.noted:
        parts.append(f"{_accounts(len(changed.accounts))} changed")
    if changed.noted:
        parts.append(f"a note written on {_accounts(len(changed.noted))}")
    if changed.same and changed.accounts:
        parts.append(f"{len(changed.same):,} had these values already ({_named(changed.same)})")
    elif changed.same and not changed.noted:
        parts.append("all had these values already")
    for reason in dict.fromkeys(reason for _, reason in changed.refused):
        refused = [account for account, why in changed.refused if why == reason]
        parts.append(f"{len(refused):,} left out ({_named(refused)}): {reason.rstrip('.')}")
    if changed.gone_count:
        parts.append(f"{changed.gone_count:,} left out: deleted meanwhile, or not yours to see any more")
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def _accounts(count: int) -> str:
    return "1 account" if count == 1 else f"{count:,} accounts"


def _named(accounts: Sequence[Account]) -> str:
    names = ", ".join(account.name for account in accounts[:NAMED_IN_RESULT])
    more = len(accounts) - NAMED_IN_RESULT
    return f"{names} and {more:,} more" if more > 0 else names
