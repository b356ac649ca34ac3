"""Forms about scorecards: the editor's, and those around it."""

import copy
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from accounts.conditions import Catalogue
from accounts.conditions.editor import Editor
from accounts.errors import InvalidInput
from health.draft_form import Done, do, take_inputs
from health.draft_page import spread_of
from health.draft_problems import APPLIES
from health.drafts import ROOT, Config, find
from health.enums import ScoreKind
from health.models import Scorecard, ScorecardDraft, ScorecardVersion
from health.presets import preset_curve
from health.scorecard_text import HEAD_KEYS, MAX_TEXT, ScorecardText, read_text
from health.scorecards import InvalidScorecard
from health.services import create_draft, lock_draft, publish_draft, save_draft, undo_draft, update_scorecard
from health.services.scorecards import starter_config
from team.models import User

NO_SPREAD = "Too few different values are known in your book to make a curve of; enter the points."


class DraftEditForm:
    """The editor's form: any number of parts, each with any input. `error` says why a button could do nothing."""

    def __init__(self, draft: ScorecardDraft, data: QueryDict, catalogue: Catalogue) -> None:
        self.draft = draft
        self.data = data = _without_nul(data)
        self.editor = Editor.of_form(data, catalogue) if Editor.is_in(data) else None
        self.part = data.get("part") or ROOT
        self.error = ""

    def save(self, actor: User) -> ScorecardDraft:
        """Keep the inputs, and make the change that the pressed button asks for."""
        now = timezone.now()
        with transaction.atomic():
            draft = lock_draft(self.draft)
            if self.data.get("do") == "undo":
                return undo_draft(draft=draft, now=now, actor=actor)
            take_inputs(draft.config, self.data, self.editor if self.part == APPLIES else None)
            before = copy.deepcopy(draft.config)
            done = self._done(draft.config)
            self.part = done.part
            return save_draft(
                draft=draft,
                config=draft.config,
                name=self.data.get("name"),
                undo=before if done.undo else None,
                now=now,
                actor=actor,
            )

    def _done(self, config: Config) -> Done:
        try:
            verb, _, which = self.data.get("do", "").partition(":")
            return self._preset(config, which) if verb == "preset" else do(config, self.data)
        except InvalidScorecard as error:
            self.error = error.reason[:1].upper() + error.reason[1:]
            return Done(self.part)

    def _preset(self, config: Config, which: str) -> Done:
        place = find(config, self.part)
        spread = spread_of(place.node, now=timezone.now()) if place else None
        curve = preset_curve(spread, more_is_better=which == "more") if spread else None
        if place is None or curve is None:
            raise InvalidScorecard([], NO_SPREAD)
        place.node["curve"] = curve
        return Done(self.part, undo=True)


def _without_nul(data: QueryDict) -> QueryDict:
    """Return a copy that can be stored."""
    copied = data.copy()
    for name, values in data.lists():
        copied.setlist(name, [value.replace("\x00", "") for value in values])
    return copied


class NewScorecardForm(forms.Form):
    """What a new scorecard begins with."""

    NOTHING, STARTER, TEXT = "nothing", "starter", "text"

    name = forms.CharField(max_length=80, required=False, help_text="A YAML file may bring its own.")
    kind = forms.ChoiceField(choices=ScoreKind.choices, initial=ScoreKind.HEALTH, required=False)
    start = forms.ChoiceField(label="Begin with", choices=[], widget=forms.RadioSelect, initial=STARTER)
    text = forms.CharField(
        required=False,
        max_length=MAX_TEXT,
        label="YAML",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="Only to begin with YAML: what “Export as YAML” on any scorecard gives.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["start"].choices = [  # type: ignore[attr-defined]
            (self.STARTER, "The starter scorecard of its kind"),
            (self.NOTHING, "Nothing"),
            *((str(row.pk), f"A copy of {row}") for row in Scorecard.objects.current().exclude(version=None)),
            (self.TEXT, "YAML, below"),
        ]

    def save(self, actor: User) -> ScorecardDraft | None:
        """Return the draft; None with an error on the form when the service refuses."""
        fields = self.cleaned_data
        try:
            read = read_text(fields["text"]) if fields["start"] == self.TEXT else None
            name = fields["name"] or (read.name if read else "")
            kind = read.kind if read else fields["kind"] or ScoreKind.HEALTH
            return create_draft(name=name, kind=kind, config=self._config(read), now=timezone.now(), actor=actor)
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
            return None

    def _config(self, read: ScorecardText | None) -> Any:
        if read is not None:
            return read.config
        start = self.cleaned_data["start"]
        if start == self.NOTHING:
            return None
        if start == self.STARTER:
            starter = starter_config(self.cleaned_data["kind"] or ScoreKind.HEALTH)
            return {key: value for key, value in starter.items() if key not in HEAD_KEYS}
        version = Scorecard.objects.select_related("version").get(pk=start).version
        return version.config if version else None


class ScorecardForm(forms.Form):
    """Name and owner of a scorecard."""

    name = forms.CharField(max_length=80)
    owner = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        empty_label="Nobody",
        help_text="Who answers for what it says.",
    )

    def __init__(self, *args: Any, scorecard: Scorecard, **kwargs: Any) -> None:
        self.scorecard = scorecard
        kwargs["initial"] = {"name": scorecard.name, "owner": scorecard.owner_id}
        super().__init__(*args, **kwargs)
        users = User.objects.filter(Q(is_active=True) | Q(scorecards=scorecard)).distinct()
        self.fields["owner"].queryset = users.order_by("name")  # type: ignore[attr-defined]

    def save(self, actor: User) -> Scorecard | None:
        """Return the scorecard; None with an error on the form when the service refuses."""
        try:
            return update_scorecard(scorecard=self.scorecard, now=timezone.now(), actor=actor, **self.cleaned_data)
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
            return None


class PublishForm(forms.Form):
    """What a version is called, and why it is published."""

    name = forms.CharField(
        max_length=80, label="Name of the version", help_text="“Spring review”, “Less weight on NPS”."
    )
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Why",
        help_text="It stays with the version, beside everything the change moves.",
    )

    def __init__(self, *args: Any, draft: ScorecardDraft, **kwargs: Any) -> None:
        self.draft = draft
        super().__init__(*args, **kwargs)

    def save(self, actor: User) -> ScorecardVersion | None:
        """Return the version; None with an error on the form when the service refuses."""
        try:
            return publish_draft(draft=self.draft, now=timezone.now(), actor=actor, **self.cleaned_data)
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
            return None
