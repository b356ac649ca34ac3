"""The catalogue of fields that conditions can ask about.

An app adds its fields in `AppConfig.ready()`:

    register_field(
        Field(
            key="metric.active_contacts",          # unique, stable: it is stored in conditions
            label="Active contacts",
            type=FieldType.NUMBER,
            group="Usage",                         # heading in the editor
            params=(Param("days", "Days", default=28, minimum=1, maximum=365),),
            source=lambda params, moment: Sql(
                "SELECT account_id AS id, count(*) AS value FROM … "
                "WHERE day >= %(as_of)s::date - %(days)s AND … GROUP BY account_id",
                {"days": params["days"]},
            ),
        )
    )

`source(params, moment)` returns SQL yielding at most one row per account with the columns `id` and
`value` (and `since`, a timestamptz, with has_since=True). No row, or NULL, is unknown. The text may
use %(as_of)s, %(recorded_by)s, %(today)s (a date) and its own named parameters; `moment.is_live`
and `moment.whole_days_until` (the next UTC midnight when live) are there for what counts in days.
`params` always has every parameter, with its default where a condition gives none.

Value types in SQL: TEXT and CHOICE text · NUMBER any number · DATE date · BOOLEAN boolean ·
REFERENCE bigint, a key with choices · SET text[], never unknown: no row is the empty set.
`default` is the SQL literal for no row ("0" for a count). `column` is an SQL expression over the
entity's own row, written {row}, which gives the same value at a live moment without a join;
`live_source` is a cheaper source at a live moment. Where a contact is asked about as a member of
one account, `member_column` over the membership row {member} says it without a join. Fields whose
number is not known before run time (one per attribute…) come from `register_family`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from accounts.conditions.moment import Moment, Sql
from accounts.enums import Entity
from accounts.models import Segment
from team.models import User

Params = Mapping[str, Any]
Source = Callable[[Params, Moment], Sql]
Choices = Callable[[], list[tuple[str, str]]]


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    REFERENCE = "reference"
    SET = "set"
    SEGMENT = "segment"


@dataclass(frozen=True)
class Param:
    """A setting of a field: a list of texts, else a choice when it has choices, else a whole number."""

    key: str
    label: str
    default: str | int | None = None
    choices: Choices | None = None
    minimum: int = 0
    maximum: int = 100_000
    unit: str = ""
    is_texts: bool = False


@dataclass(frozen=True)
class Field:
    """See the module's docstring."""

    key: str
    label: str
    type: FieldType
    group: str
    source: Source | None = None
    entity: Entity = Entity.ACCOUNT
    params: tuple[Param, ...] = ()
    choices: Choices | None = None
    unit: str = ""
    default: str = ""
    column: str = ""
    member_column: str = ""
    live_source: Source | None = None
    has_since: bool = False

    def sql(self, params: Params, moment: Moment) -> Sql:
        """Return the source for a moment, the cheaper one when there is one."""
        if moment.is_live and self.live_source is not None:
            return self.live_source(params, moment)
        return self.dated_sql(params, moment)

    def dated_sql(self, params: Params, moment: Moment) -> Sql:
        """Return the source over dated rows."""
        if self.source is None:
            msg = f"The field {self.key} has no source."
            raise TypeError(msg)
        return self.source(params, moment)

    @property
    def empty(self) -> str:
        """The SQL literal for no row; "" where that is unknown."""
        return "'{}'::text[]" if self.type == FieldType.SET else self.default


_fields: dict[tuple[Entity, str], Field] = {}
_families: list[Callable[[], Iterable[Field]]] = []


def register_field(*fields: Field) -> None:
    """Add fields to the catalogue. Raises ValueError for a key that is taken."""
    for item in fields:
        if (item.entity, item.key) in _fields:
            msg = f"There are two condition fields {item.key!r} of {item.entity.label.lower()}s."
            raise ValueError(msg)
        _fields[item.entity, item.key] = item


def register_family(family: Callable[[], Iterable[Field]]) -> None:
    """Add fields read from the database, asked once per Catalogue."""
    _families.append(family)


@dataclass
class Catalogue:
    """The fields as they are now; reads the database at most once for each thing it needs.

    With a user, the segments to choose from are those they may see.
    """

    user: User | None = None
    _choices: dict[tuple[Entity, str], dict[str, str]] = field(default_factory=dict)

    @cached_property
    def fields(self) -> dict[tuple[Entity, str], Field]:
        found = dict(_fields)
        for family in _families:
            found |= {(item.entity, item.key): item for item in family()}
        return found

    @cached_property
    def segments(self) -> dict[int, Segment]:
        return {segment.pk: segment for segment in Segment.objects.all()}

    @property
    def segment_keys(self) -> set[str]:
        return {str(pk) for pk in self.segments}

    def get(self, entity: Entity, key: str) -> Field | None:
        """Return a field. The families are asked only for a key that no app registered."""
        return _fields.get((entity, key)) or self.fields.get((entity, key))

    def of(self, entity: Entity) -> dict[str, list[Field]]:
        """Return the fields of an entity by group, groups and fields by label."""
        groups: dict[str, list[Field]] = {}
        for item in sorted(self.fields.values(), key=lambda f: (f.group, f.label)):
            if item.entity == entity:
                groups.setdefault(item.group, []).append(item)
        return groups

    def choices(self, item: Field) -> dict[str, str]:
        """Return what can be chosen for a field: value (as text) → label."""
        if item.type == FieldType.SEGMENT:
            return self._segment_choices()
        key = (item.entity, item.key)
        if key not in self._choices:
            self._choices[key] = dict(item.choices()) if item.choices else {}
        return self._choices[key]

    def _segment_choices(self) -> dict[str, str]:
        return {
            str(segment.pk): segment.name
            for segment in self.segments.values()
            if segment.is_shared or self.user is None or segment.owner_id == self.user.pk
        }
