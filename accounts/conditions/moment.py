"""As of when a condition is asked, and SQL with named parameters."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Moment:
    """What was true as of `as_of`, by what was recorded until `recorded_by`.

    A live moment is the present: fields may then read projected columns instead of dated rows.
    """

    as_of: datetime
    recorded_by: datetime
    is_live: bool = False

    @classmethod
    def live(cls, now: datetime) -> "Moment":
        return cls(as_of=now, recorded_by=now, is_live=True)

    @property
    def today(self) -> date:
        """The last UTC day of which as_of leaves something: the day before for a midnight."""
        return (self.as_of.astimezone(UTC) - timedelta(microseconds=1)).date()

    @property
    def whole_days_until(self) -> datetime:
        """The UTC midnight for what is counted in whole days: the live day counts as whole."""
        if not self.is_live:
            return self.as_of
        return datetime.combine(self.today + timedelta(days=1), time(), UTC)

    def params(self) -> dict[str, Any]:
        """The named parameters that every field's SQL may use."""
        return {
            "as_of": self.as_of,
            "recorded_by": self.recorded_by,
            "today": self.today,
        }


@dataclass(frozen=True)
class Sql:
    """SQL text with %(name)s placeholders and their values; a literal % is written %%."""

    text: str
    params: dict[str, Any] = field(default_factory=dict)

    def renamed(self, prefix: str) -> "Sql":
        """Return the same with its own parameters prefixed, so that several can stand in one query."""
        return Sql(
            PLACEHOLDER.sub(
                lambda match: f"%({prefix}{match[1]})s" if match[1] in self.params else match[0],
                self.text,
            ),
            {f"{prefix}{name}": value for name, value in self.params.items()},
        )

    def positional(self) -> tuple[str, list[Any]]:
        """Return the text with %s placeholders and the values in their order."""
        values = [self.params[name] for name in PLACEHOLDER.findall(self.text)]
        return PLACEHOLDER.sub("%s", self.text), values
