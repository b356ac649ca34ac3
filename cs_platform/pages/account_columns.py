"""The columns of the accounts list: which there are, and which somebody wants to see."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.enums import AttributeType, Entity
from accounts.models import Account, AttributeDefinition, ListColumns
from accounts.services import choose_columns
from team.models import User
from team.requests import UserRequest

ATTRIBUTE = "attribute:"


@dataclass(frozen=True)
class Column:
    """A column beside name and health. `text` None: the template knows how to show it."""

    key: str
    label: str
    text: Callable[[Account], Any] | None = None
    sort: str = ""
    css: str = ""
    is_shown_at_first: bool = False


COLUMNS = (
    Column("trend", "14 weeks", is_shown_at_first=True),
    Column("why", "Why", is_shown_at_first=True),
    Column("arr", "ARR", sort="arr", css="table-num", is_shown_at_first=True),
    Column("renews", "Renewal", sort="renews", is_shown_at_first=True),
    Column("stage", "Stage", lambda account: account.get_stage_display(), is_shown_at_first=True),
    Column("activity", "Last activity", sort="activity", is_shown_at_first=True),
    Column("tier", "Tier", lambda account: account.get_tier_display()),
    Column("csm", "CSM", lambda account: account.csm),
    Column("team", "Team", lambda account: account.team),
    Column("domain", "Domain", lambda account: account.domain),
    Column("since", "Customer since"),
)


def all_columns() -> list[Column]:
    """Return what can be shown: our own columns and the attributes that were defined."""
    defined = AttributeDefinition.objects.filter(entity=Entity.ACCOUNT, is_builtin=False)
    return [*COLUMNS, *(_of_attribute(each) for each in defined.exclude(type=AttributeType.USER))]


def chosen_columns(user: User, columns: list[Column]) -> list[Column]:
    """Return the columns a user wants; one that does not exist any more is left out."""
    chosen = ListColumns.objects.filter(user=user).first()
    if chosen is None:
        return [column for column in columns if column.is_shown_at_first]
    return [column for column in columns if column.key in chosen.keys]


@require_POST
def account_columns(request: UserRequest) -> HttpResponse:
    """Keep which columns the user wants, and go back to the list as it was."""
    known = {column.key for column in all_columns()}
    wanted = [key for key in request.POST.getlist("column") if key in known]
    choose_columns(user=request.user, keys=None if "reset" in request.POST else wanted)
    query = QueryDict(request.POST.get("list", "")).urlencode()
    return redirect(reverse("account_list") + (f"?{query}" if query else ""))


def _of_attribute(definition: AttributeDefinition) -> Column:
    def text(account: Account) -> Any:
        value = account.attributes.get(definition.key)
        if isinstance(value, bool):
            return "Yes" if value else "No"
        if value and definition.type == AttributeType.DATE:
            day = date.fromisoformat(value)
            return f"{day.day} {day:%b %Y}"
        return value

    css = "table-num" if definition.type == AttributeType.NUMBER else ""
    return Column(f"{ATTRIBUTE}{definition.key}", definition.label, text, css=css)
