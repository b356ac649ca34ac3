"""The REST API of alerts: read what is open, say what becomes of it, and write the rules."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.references import References
from accounts.api.resources import CustomerResource, OfAccountQuery
from accounts.errors import InvalidInput
from accounts.permissions import visible_rows
from health.alert_serializers import SHOWN_STATES, AlertReader, AlertRuleReader, AlertRuleWriter, AlertWriter
from health.enums import AlertKind, AlertState
from health.models import Alert, AlertRule
from health.services import alert_rules
from health.services import alerts as service
from health.services.alert_evaluation import lock_rule
from health.triage import evidence_words, precisions
from team.api.answers import idempotent
from team.api.fields import Id, StrictSerializer, key_of
from team.api.paging import ChangeQuery
from team.api.problems import InvalidRequest
from team.api.resources import ReadResource
from team.api.versions import check_precondition, row_response
from team.permissions import check_can_configure


class AlertQuery(OfAccountQuery):
    state = serializers.ChoiceField(choices=[each.value for each in SHOWN_STATES], required=False)
    kind = serializers.ChoiceField(choices=AlertKind.values, required=False)
    rule = Id(required=False, help_text="Only those of this rule.")
    csm = Id(required=False, help_text="Only those of accounts this user owns.")


class AlertResource(CustomerResource):
    """Accounts that came to match a rule. What waits to be raised is not among them."""

    scope = "alerts"
    model = Alert
    reader = AlertReader
    writer = AlertWriter
    list_query_class = AlertQuery

    def visible(self) -> QuerySet[Alert]:
        return visible_rows(Alert.all_objects.exclude(state=AlertState.WAITING), self.caller.user)

    def loaded(self, rows: QuerySet[Alert]) -> QuerySet[Alert]:
        return rows.select_related("rule")

    def narrowed(self, rows: QuerySet[Alert], query: dict[str, Any]) -> QuerySet[Alert]:
        names = {"state": "state", "kind": "rule__kind", "rule": "rule", "csm": "account__csm"}
        wanted = {column: query[name] for name, column in names.items() if name in query}
        return super().narrowed(rows, query).filter(**wanted)

    def reader_context(self, rows: Sequence[Any]) -> dict[str, Any]:
        return {"evidence": evidence_words(rows)}

    @idempotent
    def partial_update(self, request: Request, pk: str) -> Response:
        """Acknowledge, close, snooze, mute or judge it."""
        row = locked(self, pk)
        fields = AlertWriter(partial=True).run_validation(request.data)
        refusing(lambda: self._change(row, fields), AlertWriter)
        return answered(self, row.pk)

    def _change(self, alert: Alert, fields: dict[str, Any]) -> None:
        now, actor = timezone.now(), self.caller.user
        match fields.get("state"):
            case AlertState.ACKNOWLEDGED:
                service.acknowledge_alert(alert=alert, now=now, actor=actor)
            case AlertState.OPEN:
                service.reopen_alert(alert=alert)
            case AlertState.CLOSED:
                service.close_alert(alert=alert, now=now, actor=actor)
            case str() as other:
                raise InvalidInput(f"An alert cannot be made {other}: acknowledged, closed or open.", "state")
        if "snoozed_until" in fields:
            with _named({"until": "snoozed_until"}):
                service.snooze_alert(alert=alert, until=fields["snoozed_until"], now=now)
        if "is_useful" in fields:
            note = fields.get("verdict_note", alert.verdict_note)
            service.judge_alert(alert=alert, is_useful=fields["is_useful"], note=note, now=now, actor=actor)
        elif "verdict_note" in fields:
            raise InvalidInput("A note belongs to a verdict: give is_useful too.", "verdict_note")
        if "muted_until" in fields:
            self._mute(alert, fields)

    def _mute(self, alert: Alert, fields: dict[str, Any]) -> None:
        with _named({"until": "muted_until", "reason": "mute_reason"}):
            service.mute_rule(
                rule=alert.rule,
                account=alert.account,
                until=fields["muted_until"],
                reason=fields.get("mute_reason", ""),
                now=timezone.now(),
                actor=self.caller.user,
            )


@contextmanager
def _named(names: dict[str, str]) -> Iterator[None]:
    """Blame the body's field for what a service says of its own."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(error.message, names.get(error.field or "")) from error


class AlertRuleQuery(ChangeQuery):
    kind = serializers.ChoiceField(choices=AlertKind.values, required=False)
    is_live = serializers.BooleanField(required=False, help_text="Only those that look, or only the others.")


class AlertRuleResource(ReadResource):
    """When accounts need somebody. Written by editors, or by keys that may write the configuration."""

    scope = "alerts"
    write_scope = "configuration"
    model = AlertRule
    reader = AlertRuleReader
    writer = AlertRuleWriter
    list_query_class = AlertRuleQuery

    def visible(self) -> QuerySet[AlertRule]:
        return AlertRule.all_objects.all()

    def narrowed(self, rows: QuerySet[AlertRule], query: dict[str, Any]) -> QuerySet[AlertRule]:
        return rows.filter(**{name: query[name] for name in ("kind", "is_live") if name in query})

    def reader_context(self, rows: Sequence[Any]) -> dict[str, Any]:
        return {"precisions": precisions([row.pk for row in rows])}

    @idempotent
    def create(self, request: Request) -> Response:
        """Who matches already is standing, unless `raise_standing` is true."""
        self._check()
        options = self._options(request, partial=False)
        owner = options["fields"].pop("owner", None)
        rule = refusing(lambda: alert_rules.create_rule(owner=owner, **options), AlertRuleWriter)
        return answered(self, rule.pk, status=201)

    @idempotent
    def partial_update(self, request: Request, pk: str) -> Response:
        """Another condition ends its alerts; who matches then is standing, unless `raise_standing` is true."""
        self._check()
        row = self._locked(pk)
        options = self._options(request, partial=True)
        refusing(lambda: alert_rules.update_rule(rule=row, **options), AlertRuleWriter)
        return answered(self, row.pk)

    @idempotent
    def destroy(self, request: Request, pk: str) -> Response:
        self._check()
        alert_rules.delete_rule(rule=self._locked(pk), now=timezone.now())
        return Response(status=204)

    def _locked(self, pk: str) -> AlertRule:
        lock_rule(self.row(key_of(pk)).pk)
        rule: AlertRule = locked(self, pk)
        return rule

    def _check(self) -> None:
        if self.caller.user is not None:
            check_can_configure(self.caller.user)

    def _options(self, request: Request, *, partial: bool) -> dict[str, Any]:
        fields = AlertRuleWriter(partial=partial).run_validation(request.data)
        raises = fields.pop("raise_standing", False)
        references = References(self.caller.user)
        found = refusing(lambda: references.resolve(fields), AlertRuleWriter)
        return {"fields": found, "raise_standing": raises, "now": timezone.now(), "actor": self.caller.user}


def locked(view: ReadResource, pk: str) -> Any:
    """Return a live row nobody else can change until we are done. Raises Http404, Problem 412."""
    key = view.row(key_of(pk)).pk
    row = view.loaded(view.visible()).select_for_update(of=("self",)).get(pk=key)
    check_precondition(view.request, row)
    return row


def answered(view: ReadResource, key: int, *, status: int = 200) -> Response:
    row = view.loaded(view.visible()).get(pk=key)
    return row_response(row, view.present([row])[0], status=status)


def refusing(write: Callable[[], Any], writer: type[StrictSerializer]) -> Any:
    """Do a write; what a service refuses is the body's mistake. Raises InvalidRequest."""
    try:
        return write()
    except InvalidInput as error:
        pointer = f"#/{error.field}" if error.field in writer().fields else "#"
        raise InvalidRequest([{"pointer": pointer, "code": "invalid", "message": error.message}]) from error
