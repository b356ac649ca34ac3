"""The same change to many accounts that somebody picked."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import ActivityKind
from accounts.errors import InvalidInput
from accounts.models import Account
from accounts.services.fields import clean_text
from accounts.services.loading import ChangedAccount, NewActivity, change_accounts, record_activities
from team.models import User

# What can be changed for many at once: the field, and the column of its current value.
CHANGEABLE = {"csm": "csm_id", "stage": "stage", "tier": "tier"}


@dataclass
class Changed:
    """What became of the accounts picked. `gone_count`: deleted since, or not to be seen by whoever picked them."""

    accounts: list[Account] = field(default_factory=list)
    same: list[Account] = field(default_factory=list)
    refused: list[tuple[Account, str]] = field(default_factory=list)
    noted: list[Account] = field(default_factory=list)
    gone_count: int = 0


@transaction.atomic
def change_selected(*, keys: Collection[int], fields: dict[str, Any], note: str, now: datetime, actor: User) -> Changed:
    """Give accounts the actor may see new values of CHANGEABLE fields, and write a note on each ("": none).

    Raises InvalidInput for a field that cannot be changed like this, or a note that cannot be kept.
    """
    if unknown := fields.keys() - CHANGEABLE:
        raise InvalidInput(f"{', '.join(sorted(unknown))} cannot be changed for many accounts at once.")
    note = clean_text(note, "note")
    visible = Account.objects.visible_to(actor).filter(pk__in=keys)
    accounts = list(visible.select_for_update(of=("self",)).order_by("pk"))
    changed = Changed(gone_count=len(set(keys)) - len(accounts))
    rows = []
    for account in accounts:
        differs = {
            name for name, value in fields.items() if getattr(account, CHANGEABLE[name]) != (value or _nothing(name))
        }
        if differs:
            rows.append(ChangedAccount(account=account, fields={name: fields[name] for name in differs}))
        else:
            changed.same.append(account)
    for row, result in zip(rows, change_accounts(rows, now=now, actor=actor), strict=True):
        if isinstance(result, InvalidInput):
            changed.refused.append((row.account, result.message))
        else:
            changed.accounts.append(result)
    if note:
        refused = {account.pk for account, _ in changed.refused}
        changed.noted = [account for account in accounts if account.pk not in refused]
        _note(changed.noted, note, now=now, actor=actor)
    return changed


def _note(accounts: list[Account], text: str, *, now: datetime, actor: User) -> None:
    record_activities(
        [
            NewActivity(
                account=account,
                kind=ActivityKind.NOTE,
                occurred_at=now,
                body=text,
                function=actor.function,
                author=actor,
            )
            for account in accounts
        ],
        now=now,
    )


def _nothing(name: str) -> str | None:
    return None if name == "csm" else ""
