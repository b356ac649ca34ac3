"""The REST API of scorecards: what they say, their versions, and drafts up to publishing and rolling back."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import InvalidInput
from health.draft_preview import preview_of
from health.draft_problems import problems_of
from health.models import Scorecard, ScorecardDraft, ScorecardVersion
from health.scorecard_serializers import (
    PreviewReader,
    PublishWriter,
    RollBackWriter,
    ScorecardDraftReader,
    ScorecardDraftWriter,
    ScorecardInFullReader,
    ScorecardVersionReader,
    ScorecardWriter,
)
from health.services import (
    archive_scorecard,
    create_draft,
    discard_draft,
    lock_draft,
    publish_draft,
    replace_draft,
    restore_scorecard,
    roll_back,
    save_draft,
    switch_scorecard,
    update_scorecard,
)
from team.api.answers import idempotent
from team.api.fields import Id, StrictSerializer, key_of
from team.api.paging import KeysetPaging, PageQuery
from team.api.problems import InvalidRequest
from team.api.resources import ReadResource
from team.models import User
from team.permissions import check_can_configure


class ScorecardQuery(PageQuery):
    is_live = serializers.BooleanField(required=False, help_text="Only those that score, or only the others.")


class OfScorecardQuery(PageQuery):
    scorecard = Id(required=False, help_text="Only those of this scorecard.")


class ConfigurationResource(ReadResource):
    """Read with the scores, written as configuration: by editors, or by keys that may."""

    scope = "scores"
    write_scope = "configuration"
    tag = "Scorecards"
    pagination_class = KeysetPaging
    writers: dict[str, type[StrictSerializer]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.caller.user is not None and request.method not in SAFE_METHODS:
            check_can_configure(self.caller.user)

    def sent(self, request: Request) -> dict[str, Any]:
        """Return the body, checked. Raises ValidationError."""
        return dict(self.writers[str(self.action)]().run_validation(request.data))


def refused(error: InvalidInput, writer: type[StrictSerializer]) -> InvalidRequest:
    """Return the answer to what a service refused, blaming the field where it is one of the body's."""
    pointer = f"#/{error.field}" if error.field in writer().fields else "#"
    return InvalidRequest([{"pointer": pointer, "code": "invalid", "message": error.message}])


class ScorecardResource(ConfigurationResource):
    """What accounts are measured by, the version in force, and who answers for it."""

    reader = ScorecardInFullReader
    list_query_class = ScorecardQuery
    writers = {"partial_update": ScorecardWriter, "roll_back": RollBackWriter}

    def visible(self) -> QuerySet[Scorecard]:
        return Scorecard.objects.all()

    def loaded(self, rows: QuerySet[Scorecard]) -> QuerySet[Scorecard]:
        return rows.select_related("version")

    def narrowed(self, rows: QuerySet[Scorecard], query: dict[str, Any]) -> QuerySet[Scorecard]:
        return rows.filter(is_live=query["is_live"]) if "is_live" in query else rows

    @idempotent
    def partial_update(self, request: Request, pk: str) -> Response:
        row, fields = self.row(key_of(pk)), self.sent(request)
        try:
            self._change(row, fields)
        except InvalidInput as error:
            raise refused(error, ScorecardWriter) from error
        return Response(self.present([self.row(row.pk)])[0])

    @extend_schema(responses=ScorecardVersionReader)
    @action(methods=["post"], detail=True, url_path="roll-back")
    @idempotent
    def roll_back(self, request: Request, pk: str) -> Response:
        row, number = self.row(key_of(pk)), self.sent(request)["version"]
        try:
            made = roll_back(scorecard=row, to=_version_of(row, number), now=timezone.now(), actor=self.caller.user)
        except InvalidInput as error:
            raise refused(error, RollBackWriter) from error
        return Response(ScorecardVersionReader(made).data)

    def _change(self, row: Scorecard, fields: dict[str, Any]) -> None:
        options: dict[str, Any] = {"now": timezone.now(), "actor": self.caller.user}
        if "name" in fields or "owner" in fields or not fields:
            owner = _owner(fields["owner"]) if "owner" in fields else row.owner
            update_scorecard(scorecard=row, name=fields.get("name", row.name), owner=owner, **options)
        if "is_archived" in fields:
            (archive_scorecard if fields["is_archived"] else restore_scorecard)(scorecard=row, **options)
        if "is_live" in fields:
            switch_scorecard(scorecard=row, is_live=fields["is_live"], **options)


class ScorecardVersionResource(ConfigurationResource):
    """Published configurations, which never change."""

    reader = ScorecardVersionReader
    list_query_class = OfScorecardQuery

    def visible(self) -> QuerySet[ScorecardVersion]:
        return ScorecardVersion.objects.all()

    def narrowed(self, rows: QuerySet[ScorecardVersion], query: dict[str, Any]) -> QuerySet[ScorecardVersion]:
        return rows.filter(scorecard=query["scorecard"]) if "scorecard" in query else rows


class ScorecardDraftResource(ConfigurationResource):
    """Configurations on their way: they may be wrong while they are edited, and nobody is scored by them."""

    tag = "Scorecard drafts"
    scope = "configuration"
    reader = ScorecardDraftReader
    list_query_class = OfScorecardQuery
    writers = {"create": ScorecardDraftWriter, "partial_update": ScorecardDraftWriter, "publish": PublishWriter}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.caller.user is not None:
            check_can_configure(self.caller.user)

    def visible(self) -> QuerySet[ScorecardDraft]:
        return ScorecardDraft.objects.all()

    def loaded(self, rows: QuerySet[ScorecardDraft]) -> QuerySet[ScorecardDraft]:
        return rows.select_related("scorecard__version", "based_on")

    def narrowed(self, rows: QuerySet[ScorecardDraft], query: dict[str, Any]) -> QuerySet[ScorecardDraft]:
        return rows.filter(scorecard=query["scorecard"]) if "scorecard" in query else rows

    @idempotent
    def create(self, request: Request) -> Response:
        fields = self.sent(request)
        try:
            version = _version(fields)
            draft = create_draft(
                scorecard=version.scorecard if version else None,
                version=version,
                name=fields.get("name", ""),
                config=fields.get("config"),
                now=timezone.now(),
                actor=self.caller.user,
                **({"kind": fields["kind"]} if "kind" in fields else {}),
            )
        except InvalidInput as error:
            raise refused(error, ScorecardDraftWriter) from error
        location = request.build_absolute_uri(f"{request.path}/{draft.pk}")
        return Response(self.present([draft])[0], status=201, headers={"Location": location})

    @idempotent
    def partial_update(self, request: Request, pk: str) -> Response:
        draft, fields = self.row(key_of(pk)), self.sent(request)
        options: dict[str, Any] = {"now": timezone.now(), "actor": self.caller.user, "name": fields.get("name")}
        try:
            _refuse_fixed(fields)
            draft = lock_draft(draft)
            if "config" in fields:
                replace_draft(draft=draft, config=fields["config"], **options)
            else:
                save_draft(draft=draft, config=draft.config, **options)
        except InvalidInput as error:
            raise refused(error, ScorecardDraftWriter) from error
        return Response(self.present([draft])[0])

    @extend_schema(
        summary="Throw a draft away",
        description="The scorecard stays as it is. Scope `configuration:write`.",
        responses={204: None},
    )
    @idempotent
    def destroy(self, request: Request, pk: str) -> Response:
        discard_draft(draft=self.row(key_of(pk)), now=timezone.now(), actor=self.caller.user)
        return Response(status=204)

    @extend_schema(responses=ScorecardVersionReader)
    @action(methods=["post"], detail=True)
    @idempotent
    def publish(self, request: Request, pk: str) -> Response:
        draft, fields = self.row(key_of(pk)), self.sent(request)
        try:
            version = publish_draft(draft=draft, now=timezone.now(), actor=self.caller.user, **fields)
        except InvalidInput as error:
            raise refused(error, PublishWriter) from error
        return Response(ScorecardVersionReader(version).data)

    @extend_schema(
        operation_id="preview_scorecard_draft", summary="See what a draft would change", responses=PreviewReader
    )
    @action(methods=["get"], detail=True)
    def preview(self, request: Request, pk: str) -> Response:
        """Computed now, for the draft and the version in force, over all accounts or 10,000 of them."""
        draft = self.row(key_of(pk))
        if problems := problems_of(draft.config):
            errors = [{"pointer": "#", "code": "invalid", "message": each.message} for each in problems]
            raise InvalidRequest(errors)
        return Response(PreviewReader(preview_of(draft, now=timezone.now())).data)


def _owner(key: int | None) -> User | None:
    if key is None:
        return None
    user = User.objects.filter(pk=key, is_active=True).first()
    if user is None:
        raise InvalidInput(f"There is no active user with the id {key}.", "owner")
    return user


def _version(fields: dict[str, Any]) -> ScorecardVersion | None:
    """Return the version that a draft begins from; None for a new scorecard. Raises InvalidInput."""
    if "scorecard" not in fields:
        return None
    scorecard = Scorecard.objects.select_related("version").filter(pk=fields["scorecard"]).first()
    if scorecard is None:
        raise InvalidInput("There is no scorecard with this id.", "scorecard")
    return _version_of(scorecard, fields["version"]) if "version" in fields else scorecard.version


def _version_of(scorecard: Scorecard, number: int) -> ScorecardVersion:
    version = scorecard.versions.select_related("scorecard").filter(number=number).first()
    if version is None:
        raise InvalidInput(f"{scorecard} has no version {number}.", "version")
    return version


def _refuse_fixed(fields: dict[str, Any]) -> None:
    for name in ("scorecard", "version", "kind"):
        if name in fields:
            raise InvalidInput(f"{name} cannot be changed. Delete this draft and create another.", name)
