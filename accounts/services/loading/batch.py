"""What the set-wise services share: results in order, external ids, events, attribute values."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import Model

from accounts.enums import Entity, Origin
from accounts.errors import InvalidInput
from accounts.models import Account, AccountEvent, AttributeDefinition, ExternalId
from accounts.services.attributes import clean_value, find_definitions, known_definitions, unknown_attribute
from accounts.services.external_ids import check_external_id
from accounts.services.times import fact_times, origin
from team.models import User

BATCH_SIZE = 2000
R = TypeVar("R", bound="Named")
M = TypeVar("M", bound=Model)


class Named(Protocol):
    """A row to be written, with what another system calls it; "": it has no name there."""

    @property
    def system(self) -> str: ...

    @property
    def external_id(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """What holds for a whole batch."""

    now: datetime
    backfill: bool = False
    actor: User | None = None

    @property
    def origin(self) -> Origin:
        return origin(backfill=self.backfill)

    def times(self, occurred_at: datetime) -> dict[str, datetime]:
        return fact_times(occurred_at=occurred_at, now=self.now, backfill=self.backfill)

    def event(
        self,
        account: Account,
        kind: str,
        at: datetime,
        payload: dict[str, object] | None = None,
        *,
        actor: User | None = None,
    ) -> AccountEvent:
        return AccountEvent(
            account=account,
            kind=kind,
            occurred_at=at,
            recorded_at=self.now,
            actor=actor or self.actor,
            origin=self.origin,
            payload=payload or {},
        )


class AlreadyHereError(Exception):
    """Raised by a batch's `build` for a row that is not new for a reason of its own."""


class Batch(Generic[R, M]):
    """Rows with the unsaved models made of them."""

    def __init__(self, entity: str, rows: Sequence[R], build: Callable[[R], M]) -> None:
        self.entity = entity
        self.results: list[M | InvalidInput | None] = []
        self.made: list[tuple[R, M]] = []
        known = _known_names(entity, rows)
        for row in rows:
            name = (row.system, row.external_id)
            if row.external_id and name in known:
                self.results.append(None)
                continue
            try:
                if row.external_id:
                    check_external_id(*name)
                model = build(row)
            except InvalidInput as error:
                self.results.append(error)
                continue
            except AlreadyHereError:
                self.results.append(None)
                continue
            known.add(name)
            self.results.append(model)
            self.made.append((row, model))

    def save(self) -> None:
        """Insert the models, which then have their keys, and what other systems call them."""
        if not self.made:
            return
        models = [model for _, model in self.made]
        type(models[0])._default_manager.bulk_create(models, batch_size=BATCH_SIZE)  # noqa: SLF001 -- Django's public name
        ExternalId.objects.bulk_create(
            [
                ExternalId(entity=self.entity, system=row.system, value=row.external_id, object_id=model.pk)
                for row, model in self.made
                if row.external_id
            ],
            batch_size=BATCH_SIZE,
        )


class Attributes:
    """Definitions and cleaned values, looked up once for all rows of a batch."""

    def __init__(self, entity: Entity, values: Iterable[dict[str, Any]], *, define_missing: bool) -> None:
        samples: dict[str, Any] = {}
        for each in values:
            for key, value in each.items():
                if samples.get(key) is None:
                    samples[key] = value
        if define_missing:
            self.definitions = find_definitions(entity, samples, define_missing=True)
        else:
            self.definitions = known_definitions(entity, samples)
        self.entity = entity
        self._cleaned: dict[tuple[int, str], Any] = {}

    def clean(self, values: dict[str, Any]) -> list[tuple[AttributeDefinition, Any]]:
        """Return the cleaned values; None clears. Raises InvalidInput."""
        pairs = []
        for key, raw in values.items():
            if key not in self.definitions:
                raise unknown_attribute(self.entity, key)
            definition = self.definitions[key]
            cache_key = (definition.pk, repr(raw))
            if cache_key not in self._cleaned:
                self._cleaned[cache_key] = clean_value(definition, raw)
            pairs.append((definition, self._cleaned[cache_key]))
        return pairs


def write_all(events: Iterable[AccountEvent]) -> None:
    AccountEvent.objects.bulk_create(list(events), batch_size=BATCH_SIZE)


def _known_names(entity: str, rows: Sequence[Named]) -> set[tuple[str, str]]:
    names = [row.external_id for row in rows if row.external_id and "\x00" not in row.external_id]
    if not names:
        return set()
    found = ExternalId.objects.filter(entity=entity, system__in={row.system for row in rows}, value__in=names)
    return set(found.values_list("system", "value"))
