"""Which columns of the accounts list somebody sees."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import ListColumns
from team.models import User


@transaction.atomic
def choose_columns(*, user: User, keys: Sequence[str] | None) -> None:
    """Keep a user's choice; None goes back to what everybody sees at first."""
    if keys is None:
        ListColumns.objects.filter(user=user).delete()
    else:
        ListColumns.objects.update_or_create(user=user, defaults={"keys": list(keys)})
