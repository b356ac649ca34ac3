"""Search and jump: a page of its own without JavaScript, the list of the palette with it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import Account, Membership
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
        yield Hit(account.name, reverse("account", args=[account.pk]), "building-2", account.get_stage_display())


def _contacts(user: User, text: str) -> Iterable[Hit]:
    rows = (
        Membership.objects.filter(until=None, account__in=Account.objects.visible_to(user))
        .filter(contact__deleted_at=None, contact__name__icontains=text)
        .select_related("account", "contact")
        .order_by("contact__name", "pk")
    )
    for membership in rows[:HITS_PER_GROUP]:
        url = reverse("account", args=[membership.account_id])
        yield Hit(membership.contact.name, url, "user-round", membership.account.name)
