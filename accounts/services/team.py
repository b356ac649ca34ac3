"""Who of us serves an account."""

from datetime import datetime

from django.db import transaction

from accounts.models import Account, AccountTeamMember
from accounts.services.context import Context
from accounts.services.fields import clean_choice
from team.enums import Function
from team.models import User


@transaction.atomic
def assign_team_member(
    *,
    account: Account,
    user: User,
    function: str,
    now: datetime,
    actor: User | None = None,
) -> AccountTeamMember:
    """Put a user on an account's team; does nothing when they are on it in that function."""
    clean_choice(function, "function", Function.values)
    member, is_new = AccountTeamMember.objects.get_or_create(
        account=account,
        user=user,
        function=function,
        until=None,
        defaults={"since": now},
    )
    if is_new:
        _write(member, "account_team.joined", now=now, actor=actor)
    return member


@transaction.atomic
def end_team_membership(*, member: AccountTeamMember, now: datetime, actor: User | None = None) -> None:
    if AccountTeamMember.objects.filter(pk=member.pk, until=None).update(until=now):
        _write(member, "account_team.left", now=now, actor=actor)


def _write(member: AccountTeamMember, kind: str, *, now: datetime, actor: User | None) -> None:
    payload: dict[str, object] = {"user_id": member.user_id, "function": member.function}
    Context(now=now, actor=actor).tell(member.account_id, kind, now, payload)
