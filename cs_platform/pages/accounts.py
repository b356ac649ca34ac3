"""The accounts list: search, filter, saved segments, sort, pages, export."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import chain, islice
from typing import Any

from django.conf import settings
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.http import HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.conditions import Catalogue, ConditionError, Moment, filter_accounts
from accounts.conditions.chips import chips, read_filter, write_filter
from accounts.conditions.editor import Editor
from accounts.models import Account, Segment
from accounts.permissions import can_change_segment
from accounts.queries import account_totals, search_accounts
from cs_platform.formats import UNKNOWN
from cs_platform.pages.account_columns import Column, all_columns, chosen_columns
from health.enums import ScoreKind
from health.models import CurrentScore
from health.portfolio import Reason, reasons
from health.scorecards import Band
from health.trends import weekly_scores
from team.csv_export import csv_lines
from team.keyset import Order, keyset_page
from team.models import User
from team.requests import UserRequest

PAGE_SIZE = 40
SHOWN_SEGMENTS = 7
SHOWN_REASONS = 2
MAX_SEARCH = 200
DEFAULT_SORT = "name"
EXPORT_CHUNK = 1000

_COLUMNS = {
    "name": Order("name", str, is_nullable=False),
    "score": Order("main_score", Decimal),
    "arr": Order("arr", Decimal),
    "renews": Order("renews_on", date.fromisoformat),
    "activity": Order("last_activity_at", datetime.fromisoformat),
}
EXPORT_HEADER = [
    "Account", "Domain", "Tier", "CSM", "Team", "Lifecycle stage", "Health score", "Health band",
    "Change in 30 days", f"ARR ({settings.REPORTING_CURRENCY})", "Renewal", "Customer since", "Last activity",
]  # fmt: skip


@dataclass(frozen=True)
class AccountRow:
    """An account with its main health score; `score` None: no scorecard applies or none is live."""

    account: Account
    score: CurrentScore | None
    trend: list[float | None]
    reasons: list[Reason]
    cells: list[tuple[Column, Any]]

    @property
    def points(self) -> Decimal | None:
        return self.score.score if self.score else None

    @property
    def change(self) -> float | None:
        return self.score.delta if self.score else None

    @property
    def band(self) -> str:
        return Band(self.score.band if self.score else Band.UNKNOWN).word


@dataclass(frozen=True)
class Tab:
    label: str
    url: str
    is_current: bool
    count: int | None = None


class AccountList:
    """What the address asks for. `error` says why the filter cannot be used; then nothing is listed."""

    def __init__(self, user: User, asked: QueryDict, now: datetime) -> None:
        self.user = user
        self.now = now
        self.text = asked.get("q", "").replace("\x00", "")[:MAX_SEARCH]
        self.sort = asked.get("sort", "")
        if self.sort.removeprefix("-") not in _COLUMNS:
            self.sort = DEFAULT_SORT
        self.after, self.before = asked.get("after", ""), asked.get("before", "")
        self.catalogue = Catalogue(user)
        self.error = ""
        self.chips = []
        self.segment = self._segment(asked.get("segment", ""))
        self.tree: Any = None
        try:
            self.tree = read_filter(asked.get("filter", ""))
            if self.tree is None and self.segment is not None:
                self.tree = self.segment.condition
            self.chips = chips(self.tree, self.catalogue)
            self.accounts = self._accounts()
        except ConditionError as error:
            self.error, self.accounts = str(error), Account.objects.none()

    def _segment(self, pk: str) -> Segment | None:
        return next((each for each in self.segments if str(each.pk) == pk), None)

    @cached_property
    def segments(self) -> list[Segment]:
        return list(Segment.objects.visible_to(self.user))

    @cached_property
    def filter(self) -> str:
        return write_filter(self.tree)

    @property
    def is_dirty(self) -> bool:
        """Whether the filter is not the one that the chosen segment keeps."""
        return self.segment is not None and self.tree != self.segment.condition

    @property
    def can_save(self) -> bool:
        return self.segment is not None and can_change_segment(self.user, self.segment)

    @property
    def start_url(self) -> str:
        return reverse("account_list")

    @property
    def new_url(self) -> str:
        return reverse("account_new") if self.user.can_contribute else ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.filter)

    def with_filter(self, text: str) -> str:
        """Return the address with another filter; without any, the segment goes too."""
        return self.address(filter=text) if text else self.address(filter="", segment="")

    def address(self, **changes: str) -> str:
        """Return the address of the list with changes; the page starts anew."""
        parts = {"q": self.text, "segment": str(self.segment.pk) if self.segment else "", "sort": self.sort}
        parts["filter"] = self.filter if self.segment is None or self.is_dirty else ""
        parts["sort"] = "" if self.sort == DEFAULT_SORT else self.sort
        query = QueryDict(mutable=True)
        query.update({key: value for key, value in (parts | changes).items() if value})
        return f"{reverse('account_list')}?{query.urlencode()}" if query else reverse("account_list")

    def _accounts(self) -> QuerySet[Account]:
        accounts = search_accounts(Account.objects.visible_to(self.user), self.text)
        if self.tree is None:
            return accounts
        return filter_accounts(accounts, self.tree, Moment.live(self.now), catalogue=self.catalogue)

    @property
    def order(self) -> Order:
        column = _COLUMNS[self.sort.removeprefix("-")]
        return Order(column.column, column.read, self.sort.startswith("-"), column.is_nullable)

    def sorted_accounts(self) -> QuerySet[Account]:
        """Return the accounts with what their rows and the sort need."""
        return self._with_columns(self.accounts)

    def load(self, keys: list[int]) -> QuerySet[Account]:
        """Return accounts that were found, with what their rows and the sort need."""
        return self._with_columns(Account.objects.filter(pk__in=keys))

    def _with_columns(self, accounts: QuerySet[Account]) -> QuerySet[Account]:
        rows = accounts.select_related("csm", "team").annotate(last_activity_at=F("last_activity__occurred_at"))
        if self.order.column != "main_score":
            return rows
        return rows.annotate(
            main=FilteredRelation("scores", condition=Q(scores__main_of=ScoreKind.HEALTH, scores__deleted_at=None)),
            main_score=F("main__score"),
        )

    def tabs(self) -> list[Tab]:
        """Return all accounts, one's own, and the segments that have room."""
        mine = write_filter(mine_filter(self.user))
        here = "" if self.segment else self.filter
        fixed = [
            Tab("All accounts", reverse("account_list"), self.segment is None and not here),
            Tab("My accounts", self._start(filter=mine), here == mine),
        ]
        return fixed + [self._tab(segment) for segment in self._in_sight()]

    def more_tabs(self) -> list[Tab]:
        seen = {segment.pk for segment in self._in_sight()}
        return [self._tab(segment) for segment in self.segments if segment.pk not in seen]

    def _in_sight(self) -> list[Segment]:
        """Return the first segments; the chosen one is always among them."""
        first = self.segments[:SHOWN_SEGMENTS]
        return first if self.segment is None or self.segment in first else [*first[:-1], self.segment]

    def _tab(self, segment: Segment) -> Tab:
        return Tab(segment.name, self._start(segment=str(segment.pk)), segment == self.segment)

    @staticmethod
    def _start(**parts: str) -> str:
        query = QueryDict(mutable=True)
        query.update(parts)
        return f"{reverse('account_list')}?{query.urlencode()}"


@require_safe
def account_list(request: UserRequest) -> HttpResponse:
    listed = AccountList(request.user, request.GET, timezone.now())
    editor = Editor.of_tree(listed.tree, listed.catalogue)
    if Editor.is_in(request.GET):
        editor = Editor.of_form(request.GET, listed.catalogue)
        if not Editor.is_change(request.GET) and editor.is_valid():
            return redirect(listed.with_filter(write_filter(editor.tree())))
        if Editor.is_change(request.GET) and request.headers.get("HX-Request"):
            return render(request, "accounts/_condition_editor.html", {"editor": editor})
    columns = all_columns()
    shown = chosen_columns(request.user, columns)
    page = keyset_page(
        listed.sorted_accounts(),
        listed.order,
        load=listed.load,
        size=PAGE_SIZE,
        after=listed.after,
        before=listed.before,
    )
    context = {
        "listed": listed,
        "chips": [(chip.text, listed.with_filter(chip.rest)) for chip in listed.chips],
        "rows": account_rows(page.rows, shown),
        "columns": [(column, column in shown) for column in columns],
        "shown": shown,
        "address": request.GET.urlencode(),
        "page": page,
        "totals": account_totals(listed.accounts),
        "sort": listed.sort,
        "editor": editor,
        "is_editing": Editor.is_in(request.GET),
    }
    return render(request, "pages/accounts.html", context)


@require_safe
def account_export(request: UserRequest) -> HttpResponseBase:
    """Download exactly what the list shows, in its order, all pages."""
    listed = AccountList(request.user, request.GET, timezone.now())
    order = F(listed.order.column)
    accounts = listed.sorted_accounts().order_by(
        order.desc(nulls_last=True) if listed.order.is_descending else order.asc(nulls_last=True), "pk"
    )
    # The byte order mark makes spreadsheets read it as UTF-8.
    lines = chain(["\ufeff"], csv_lines(EXPORT_HEADER, export_rows(accounts)))
    name = f"accounts-{listed.now:%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def account_rows(accounts: Sequence[Account], columns: Sequence[Column]) -> list[AccountRow]:
    """Return the rows of a page: at most four queries, however many accounts."""
    scores = main_scores(accounts)
    keys = {column.key for column in columns}
    trends = weekly_scores(list(scores.values())) if "trend" in keys else {}
    causes = reasons(list(scores.values())) if "why" in keys else {}
    return [
        AccountRow(
            account,
            scores.get(account.pk),
            trends.get(account.pk, []),
            causes.get(account.pk, [])[:SHOWN_REASONS],
            [(column, _shown(column, account)) for column in columns],
        )
        for account in accounts
    ]


def _shown(column: Column, account: Account) -> Any:
    """Return what a plain cell says; one that the template draws says nothing here."""
    value = column.text(account) if column.text else None
    return UNKNOWN if value is None or value == "" else value


def main_scores(accounts: Iterable[Account]) -> dict[int, CurrentScore]:
    ids = [account.pk for account in accounts]
    return {score.account_id: score for score in CurrentScore.objects.filter(main_of=ScoreKind.HEALTH, account__in=ids)}


def export_rows(accounts: QuerySet[Account]) -> Iterator[list[Any]]:
    rows = accounts.iterator(chunk_size=EXPORT_CHUNK)
    while chunk := list(islice(rows, EXPORT_CHUNK)):
        scores = main_scores(chunk)
        for account in chunk:
            yield _export_row(account, scores.get(account.pk))


def _export_row(account: Account, score: CurrentScore | None) -> list[Any]:
    last_at: datetime | None = getattr(account, "last_activity_at", None)
    return [
        account.name,
        account.domain,
        account.get_tier_display(),
        str(account.csm) if account.csm else "",
        account.team.name if account.team else "",
        account.get_stage_display(),
        score.score if score else None,
        Band(score.band).label if score else Band.UNKNOWN.label,
        score.delta if score else None,
        account.arr,
        account.renews_on,
        account.customer_since,
        last_at.isoformat() if last_at else None,
    ]


def mine_filter(user: User) -> dict[str, Any]:
    return {"all": [{"field": "csm", "op": "any_of", "value": [user.pk]}]}
