"""What the set-wise services share: results in order, external ids, attribute values."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import Model

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import AttributeDefinition, ExternalId
from accounts.services.attributes import clean_value, find_definitions, known_definitions, unknown_attribute
from accounts.services.external_ids import MODELS, check_external_id, claim_external_ids

BATCH_SIZE = 2000
R = TypeVar("R", bound="Named")
M = TypeVar("M", bound=Model)


class Named(Protocol):
    """A row to be written, with what another system calls it; "": it has no name there."""

    @property
    def system(self) -> str: ...

    @property
    def external_id(self) -> str: ...


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
        """Insert the models, which then have their keys, under the names other systems have for them.

        A row whose name somebody else has taken just now is dropped: it is not new any more.
        """
        if not self.made:
            return
        names = [(row.system, row.external_id) for row, _ in self.made if row.external_id]
        keys = claim_external_ids(self.entity, names)
        taken = set()
        for row, model in self.made:
            if row.external_id:
                model.pk = keys.get((row.system, row.external_id))
                if model.pk is None:
                    taken.add(id(model))
        if taken:
            self.results = [None if id(result) in taken else result for result in self.results]
            self.made = [(row, model) for row, model in self.made if id(model) not in taken]
        models = [model for _, model in self.made]
        MODELS[self.entity]._default_manager.bulk_create(models, batch_size=BATCH_SIZE)  # noqa: SLF001 -- Django's public name


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


def _known_names(entity: str, rows: Sequence[Named]) -> set[tuple[str, str]]:
    names = [row.external_id for row in rows if row.external_id and "\x00" not in row.external_id]
    if not names:
        return set()
    found = ExternalId.objects.filter(entity=entity, system__in={row.system for row in rows}, value__in=names)
    return set(found.values_list("system", "value"))
