"""Search and jump: a page of its own without JavaScript, the list of the palette with it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from accounts.models import Account, Contact
from cs_platform.navigation import sections_for
from team.models import User
from team.requests import UserRequest

HITS_PER_GROUP = 6


@dataclass(frozen=True)
class Hit:
    label: str
    url: str
    icon: str
    note: str = ""


@dataclass(frozen=True)
class Group:
    key: str
    title: str
    hits: tuple[Hit, ...]


@require_safe
@login_required
def search(request: UserRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    context = {"text": text, "groups": groups(request.user, text)}
    page = "components/palette_results.html" if request.headers.get("HX-Request") else "pages/search.html"
    return render(request, page, context)


def groups(user: User, text: str) -> list[Group]:
    """Return what matches, by kind; without text only the pages."""
    found = [Group("page", "Pages", tuple(_pages(user, text)))]
    if text:
        found = [
            Group("account", "Accounts", tuple(_accounts(user, text))),
            Group("contact", "Contacts", tuple(_contacts(user, text))),
            *found,
        ]
    return [group for group in found if group.hits]


def _pages(user: User, text: str) -> Iterable[Hit]:
    for section in sections_for(user):
        for link in section.links:
            if text.lower() in link.label.lower():
                yield Hit(link.label, link.url, link.icon)


def _accounts(user: User, text: str) -> Iterable[Hit]:
    rows = Account.objects.visible_to(user).filter(name__icontains=text).order_by("name", "pk")
    for account in rows[:HITS_PER_GROUP]:
        if url := _account_url(account.pk):
            yield Hit(account.name, url, "building-2", account.get_stage_display())


def _contacts(user: User, text: str) -> Iterable[Hit]:
    seen = Account.objects.visible_to(user).values("pk")
    rows = (
        Contact.objects.filter(deleted_at=None, name__icontains=text, memberships__until=None)
        .filter(memberships__account__in=seen)
        .values_list("name", "memberships__account_id", "memberships__account__name")
        .order_by("name", "pk")
    )
    for name, account_id, account_name in rows[:HITS_PER_GROUP]:
        if url := _account_url(account_id):
            yield Hit(name, url, "user-round", account_name)


def _account_url(pk: int) -> str | None:
    try:
        return reverse("account", args=[pk])
    except NoReverseMatch:
        return None
