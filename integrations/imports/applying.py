"""Records written, a chunk in a transaction; a record that cannot be taken leaves its neighbours alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from accounts.errors import InvalidInput
from accounts.models import Account
from health.ingest.clock import BACKFILL_FROM
from health.usage.recording import Use, record_usage
from integrations.imports.errors import BadValue, ImportFailed
from integrations.imports.grouping import Record
from integrations.imports.ledger import Entry, Prior, entry_of, find_entries, note_entries
from integrations.imports.mapping import Mapping
from integrations.imports.references import References
from integrations.imports.report import Log, Outcome
from integrations.imports.targets import ORDER
from integrations.imports.types import shown
from integrations.imports.writers import WRITERS, Options, columns_of, plain, resolve
from integrations.models import ImportRun

MAX_NAME = 200
REFUSALS = (BadValue, InvalidInput, DataError, IntegrityError)


@dataclass(frozen=True, slots=True)
class Due:
    """A record that is to be written, and whether an earlier import wrote other values."""

    record: Record
    entry: Entry
    is_change: bool
    outcome: Outcome


class Applier:
    """Writes chunks of records and counts what became of each."""

    def __init__(self, mapping: Mapping, run: ImportRun, log: Log, *, is_dry_run: bool) -> None:
        self.mapping = mapping
        self.run = run
        self.log = log
        self.is_dry_run = is_dry_run
        self.refs = References(mapping.system)

    def apply(self, records: Sequence[Record], outcomes: dict[str, Outcome]) -> None:
        """Write a chunk: all of it, with the note that it is written, or nothing."""
        with transaction.atomic():
            options = Options(self.mapping.system, timezone.now(), self.mapping.is_backfill)
            due = self._due(records, outcomes)
            self.refs.prepare([each.record for each in due])
            written: list[Due] = []
            # In this order, so that what others refer to is there.
            for target in ORDER:
                of_target = [each for each in due if each.record.rule.target.name == target]
                if target == "events":
                    written += self._write_events(of_target, options)
                elif of_target:
                    written += self._write(target, of_target, options)
            for each in written:
                self._count(each)
            note_entries({each.entry.key: (each.entry, each.record) for each in written}, self.run)

    def _due(self, records: Sequence[Record], outcomes: dict[str, Outcome]) -> list[Due]:
        """Return the records that are not written yet; what contradicts an earlier one is logged."""
        entries = [entry_of(record, self.mapping.system) for record in records]
        priors = find_entries(entries)
        due = []
        for record, entry in zip(records, entries, strict=True):
            outcome, prior = outcomes[record.rule.path], priors.get(entry.key)
            try:
                if prior is not None and not self._is_changed(record, entry, prior, outcome):
                    continue
            except BadValue as error:
                self._fail(record, outcome, error)
                continue
            due.append(Due(record, entry, prior is not None, outcome))
            priors[entry.key] = Prior(entry.content, self.run.pk, record.place.row)
        return due

    def _is_changed(self, record: Record, entry: Entry, prior: Prior, outcome: Outcome) -> bool:
        """Return whether a record says something new. Raises BadValue for one that may not."""
        is_ours = prior.run_id == self.run.pk
        if prior.content == entry.content:
            if is_ours:
                outcome.repeated += 1
            else:
                outcome.unchanged += 1
                _sum_up(record, outcome)
            return False
        if is_ours:
            message = f"{shown(record.id)} was already in row {prior.row} with other values; the first one counts"
            raise BadValue("duplicate_id", message, _id_columns(record))
        if record.rule.target.name == "events":
            message = (
                f"event {shown(record.id)} was imported before with other values (row {prior.row} then);"
                " events are not rewritten, so give a correction an id of its own"
            )
            raise BadValue("event_changed", message, _id_columns(record))
        return True

    def _write(self, target: str, due: Sequence[Due], options: Options) -> list[Due]:
        """Create what is new in bulk, change the rest one by one; returns what was written."""
        writer = WRITERS[target]
        rows: list[tuple[Due, Any]] = []
        for each in due:
            try:
                rows.append((each, writer.build(each.record, self.refs, options)))
            except REFUSALS as error:
                self._fail(each.record, each.outcome, error)
        fresh = [(each, row) for each, row in rows if not each.is_change]
        made = dict(
            zip((id(row) for _, row in fresh), self._create(target, [row for _, row in fresh], options), strict=True)
        )
        written = []
        for each, row in rows:
            result = made.get(id(row))
            try:
                if isinstance(result, InvalidInput):
                    raise result
                if result is None:
                    result = self._change(target, row, options, is_change=each.is_change)
            except REFUSALS as error:
                self._fail(each.record, each.outcome, error)
                continue
            if writer.remember is not None:
                writer.remember(self.refs, each.record.id, result)
            written.append(each)
        return written

    def _create(self, target: str, rows: Sequence[Any], options: Options) -> Sequence[Any]:
        """Return what bulk creation made of each row; all None when the database refused, to find out which."""
        if not rows:
            return []
        try:
            with transaction.atomic():
                return WRITERS[target].create(rows, options)
        except (DataError, IntegrityError):
            return [None] * len(rows)

    def _change(self, target: str, row: Any, options: Options, *, is_change: bool) -> Any:
        """Write one row. A dry run takes a change back at once, so that it keeps no locks."""
        with transaction.atomic():
            result = WRITERS[target].change(row, options)
            if self.is_dry_run and is_change:
                transaction.set_rollback(True)
        return result

    def _write_events(self, due: Sequence[Due], options: Options) -> list[Due]:
        written, uses = [], []
        for each in due:
            try:
                uses.append(self._use(each.record, options))
            except REFUSALS as error:
                self._fail(each.record, each.outcome, error)
                continue
            written.append(each)
        # A dry run stays open to its end and must not keep real events waiting for the usage lock.
        if uses and not self.is_dry_run:
            try:
                record_usage(uses=uses, now=options.now, backfill=options.is_backfill)
            except InvalidInput as error:
                raise ImportFailed(error.message) from error
        return written

    def _use(self, record: Record, options: Options) -> Use:
        """Return the event of a record. Raises BadValue."""
        values: dict[str, Any] = {
            field.name: resolve(record, field, self.refs)
            for field in record.rule.fields
            if field.name in record.values and not field.is_extra
        }
        at, name, value = values["at"], values["name"], values.get("value")
        if not BACKFILL_FROM <= at <= options.now:
            message = f"events are taken from 1990 until now, not of {at:%Y-%m-%d %H:%M}"
            raise BadValue("date_out_of_range", message, columns_of(record, "at"))
        if len(name) > MAX_NAME:
            message = f"an event's name has at most {MAX_NAME} characters, not {len(name)}"
            raise BadValue("name_too_long", message, columns_of(record, "name"))
        return Use(
            key=f"{self.mapping.system}\x1f{record.id}",
            account_id=values["account"].pk,
            contact_id=values["contact"].pk if "contact" in values else 0,
            name=name,
            product_id=values["product"].pk if "product" in values else None,
            occurred_at=at,
            value=float(value) if isinstance(value, Decimal) else None,
            properties={key: plain(extra) for key, extra in record.extras.items()},
        )

    def _count(self, each: Due) -> None:
        if each.is_change:
            each.outcome.changed += 1
        else:
            each.outcome.new += 1
        _sum_up(each.record, each.outcome)
        self._check_start(each.record)

    def _check_start(self, record: Record) -> None:
        """Give notice of a fact dated before what it belongs to began."""
        rule = record.rule
        at = record.values.get("at") or record.values.get("started_on")
        started_on = self._started_on(record) if rule.not_before else None
        if started_on is None or not isinstance(at, date):
            return
        start = datetime.combine(started_on, time.min, record.style.time_zone)
        if at < start if isinstance(at, datetime) else at < started_on:
            when = at.date() if isinstance(at, datetime) else at
            message = f"dated {when}, before its {rule.not_before} began on {started_on}"
            self.log.notice(record.place, "before_start", message, columns_of(record, "at"), record.raw)

    def _started_on(self, record: Record) -> date | None:
        field = next(field for field in record.rule.fields if field.name == "account")
        if record.rule.not_before == "subscription":
            return self.refs.subscription(record, field).started_on
        account: Account = self.refs.account(record, field)
        return account.customer_since

    def _fail(self, record: Record, outcome: Outcome, error: Exception) -> None:
        outcome.failed += 1
        code, message, column = "refused", str(error).split("\n", 1)[0], ""
        if isinstance(error, BadValue):
            code, message, column = error.code, error.message, error.column
        elif isinstance(error, InvalidInput):
            code, message = "invalid_value", error.message
            column = columns_of(record, error.field or "")
        self.log.fail(record.place, code, message, column, record.raw)


def _sum_up(record: Record, outcome: Outcome) -> None:
    if record.rule.target.name == "events":
        outcome.count_event(str(record.values["name"]), record.values.get("value"))


def _id_columns(record: Record) -> str:
    return ", ".join(sorted(record.rule.id.columns()))
