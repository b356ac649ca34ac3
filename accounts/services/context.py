"""When something is written, by whom, and whether it is history: what the writes of one call share."""

from dataclasses import dataclass
from datetime import datetime
from typing import Required, TypedDict

from accounts.enums import Origin
from accounts.models import AccountEvent
from team.models import User


class Options(TypedDict, total=False):
    """What services that create or change a row take beside it.

    `occurred_at` is when it came to be so, by default now; with `backfill` it counts as known since then.
    With `define_missing` attributes nobody has defined are defined by the type of their first value.
    """

    now: Required[datetime]
    occurred_at: datetime | None
    backfill: bool
    actor: User | None
    define_missing: bool


@dataclass(frozen=True, kw_only=True)
class Context:
    """Gives facts their three times, and writes the events that go with them."""

    now: datetime
    backfill: bool = False
    actor: User | None = None

    def times(self, occurred_at: datetime) -> dict[str, datetime]:
        """Return the three times of a fact; a backfill counts as known when it happened."""
        return {
            "occurred_at": occurred_at,
            "received_at": self.now,
            "known_at": occurred_at if self.backfill else self.now,
        }

    def event(
        self,
        account_id: int,
        kind: str,
        at: datetime,
        payload: dict[str, object] | None = None,
        *,
        actor: User | None = None,
    ) -> AccountEvent:
        """Return an event, unsaved. `payload` refers to facts; no personal data."""
        return AccountEvent(
            account_id=account_id,
            kind=kind,
            occurred_at=at,
            recorded_at=self.now,
            actor=actor or self.actor,
            origin=Origin.BACKFILL if self.backfill else Origin.LIVE,
            payload=payload or {},
        )

    def tell(
        self,
        account_id: int,
        kind: str,
        at: datetime,
        payload: dict[str, object] | None = None,
        *,
        actor: User | None = None,
    ) -> None:
        """Write such an event in the caller's transaction."""
        self.event(account_id, kind, at, payload, actor=actor).save(force_insert=True)


def context_of(options: Options) -> Context:
    """Return the context that a service's options make."""
    return Context(now=options["now"], backfill=options.get("backfill", False), actor=options.get("actor"))
