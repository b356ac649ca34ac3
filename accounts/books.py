"""Whose accounts a page shows: one's own, those of one's teams, or all one may see."""

from django.db.models import Q, QuerySet

from accounts.enums import Stage
from accounts.models import Account
from team.models import User

BOOKS = {"mine": "My accounts", "team": "My teams", "all": "All accounts"}


def book_of(user: User, name: str) -> QuerySet[Account]:
    """Return the customers of a book that a user may see: one's own, those of one's teams, or all.

    Former customers need no call and have no revenue to lose: they are left out.
    """
    visible = Account.objects.visible_to(user).exclude(stage=Stage.CHURNED)
    if name == "mine":
        return visible.filter(Q(csm=user) | Q(pk__in=user.account_memberships.filter(until=None).values("account")))
    if name == "team":
        mates = User.objects.filter(teams__in=user.teams.values("pk")).values("pk")
        return visible.filter(Q(team__in=user.teams.values("pk")) | Q(csm__in=mates))
    return visible


def book_name(user: User, asked: str) -> str:
    """Return the book asked for; by default one's own, or all for somebody who has none."""
    if asked in BOOKS:
        return asked
    return "mine" if book_of(user, "mine").exists() else "all"
