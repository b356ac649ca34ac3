"""Drafts of scorecards: begun from anything, saved while they are wrong, published when they are right."""

from datetime import datetime

from django.db import transaction

from accounts.errors import InvalidInput
from health.draft_problems import problems_of
from health.drafts import Config, from_draft, new_config, to_draft
from health.enums import ScoreKind
from health.models import Scorecard, ScorecardDraft, ScorecardVersion
from health.scorecards import InvalidScorecard
from health.services.scorecards import (
    MAX_NAME_LENGTH,
    MAX_REASON_LENGTH,
    check_actor,
    create_scorecard,
    free_name,
    log_scorecard,
    publish_version,
)
from team.models import User
from team.security import log_security

MAX_PINNED = 3


@transaction.atomic
def create_draft(
    *,
    now: datetime,
    actor: User | None,
    name: str = "",
    kind: str = ScoreKind.HEALTH,
    config: object = None,
    scorecard: Scorecard | None = None,
    version: ScorecardVersion | None = None,
) -> ScorecardDraft:
    """Begin a draft: of a version; of a scorecard's version in force; or (a name) of a scorecard to come.

    `config` (default: of the version, else empty) may be invalid, but must be editable. Raises
    InvalidInput and PermissionDenied.
    """
    check_actor(actor)
    scorecard = scorecard or (version.scorecard if version else None)
    version = version or (scorecard.version if scorecard else None)
    if scorecard is not None:
        name, kind = scorecard.name, scorecard.kind
    elif kind not in ScoreKind.values:
        raise InvalidInput(f"The kind is one of {', '.join(ScoreKind.values)}, not {kind!r}.", "kind")
    else:
        name = free_name(name)
    if config is None:
        config = version.config if version else new_config()
    return ScorecardDraft.objects.create(
        scorecard=scorecard,
        based_on=version if scorecard else None,
        name=name,
        kind=kind,
        config=_editable(config),
        created_at=now,
        created_by=actor,
        updated_at=now,
        updated_by=actor,
    )


def lock_draft(draft: ScorecardDraft) -> ScorecardDraft:
    """Return a draft as it is now, which nobody else can change until the caller's transaction ends.

    Raises InvalidInput for one that is gone.
    """
    rows = ScorecardDraft.objects.select_for_update(of=("self",)).select_related("scorecard__version")
    locked = rows.filter(pk=draft.pk).first()
    if locked is None:
        raise InvalidInput("This draft was published or thrown away meanwhile.")
    return locked


@transaction.atomic
def save_draft(
    *,
    draft: ScorecardDraft,
    config: Config,
    now: datetime,
    actor: User | None,
    name: str | None = None,
    undo: Config | None = None,
) -> ScorecardDraft:
    """Keep what is being edited, right or wrong. `config` has the ids of a draft.

    `undo`: what to go back to, when something was taken away. Raises PermissionDenied.
    """
    check_actor(actor)
    draft.config, draft.updated_at, draft.updated_by = config, now, actor
    if name is not None and draft.scorecard is None:
        draft.name = name.replace("\x00", "").strip()[:MAX_NAME_LENGTH]
    if undo is not None:
        draft.undo = undo
    draft.save(update_fields=["config", "name", "undo", "updated_at", "updated_by"])
    return draft


@transaction.atomic
def replace_draft(
    *, draft: ScorecardDraft, config: object, now: datetime, actor: User | None, name: str | None = None
) -> ScorecardDraft:
    """Put another configuration, without ids, in a draft's place. Raises InvalidInput and PermissionDenied."""
    return save_draft(draft=draft, config=_editable(config), name=name, undo=draft.config, now=now, actor=actor)


@transaction.atomic
def undo_draft(*, draft: ScorecardDraft, now: datetime, actor: User | None) -> ScorecardDraft:
    """Go back to before the last removal, balance or import; a second time goes forward again."""
    if draft.undo is None:
        return draft
    return save_draft(draft=draft, config=draft.undo, undo=draft.config, now=now, actor=actor)


@transaction.atomic
def pin_accounts(*, draft: ScorecardDraft, account_ids: list[int], now: datetime, actor: User | None) -> ScorecardDraft:
    """Choose whose score the preview explains, the newest first. Raises PermissionDenied."""
    check_actor(actor)
    draft.pinned_ids = account_ids[:MAX_PINNED]
    draft.save(update_fields=["pinned_ids"])
    return draft


@transaction.atomic
def publish_draft(
    *, draft: ScorecardDraft, name: str, reason: str, now: datetime, actor: User | None
) -> ScorecardVersion:
    """Publish a draft as the next version, or as a new scorecard, which goes live; the draft goes.

    Raises InvalidInput: a name or reason is missing, the draft has problems, or nothing differs from
    the version in force. Raises PermissionDenied.
    """
    check_actor(actor)
    draft = lock_draft(draft)
    if not name.strip() or len(name.strip()) > MAX_NAME_LENGTH:
        raise InvalidInput(f"Give the version a name of at most {MAX_NAME_LENGTH} characters.", "name")
    if not reason.strip() or len(reason.strip()) > MAX_REASON_LENGTH:
        raise InvalidInput(f"Say why in at most {MAX_REASON_LENGTH} characters: it stays with the version.", "reason")
    if problems := problems_of(draft.config):
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        where = f"{problems[0].label}: " if problems[0].label else ""
        raise InvalidInput(f"{where}{problems[0].message}{more}", "config")
    config = from_draft(draft.config)
    if draft.scorecard is None:
        scorecard = create_scorecard(
            name=draft.name,
            kind=draft.kind,
            config=config,
            owner=actor,
            version_name=name,
            note=reason,
            now=now,
            actor=actor,
        )
        version = scorecard.version
        assert version is not None
    else:
        before = draft.scorecard.version
        version = publish_version(
            scorecard=draft.scorecard, config=config, name=name, note=reason, now=now, actor=actor
        )
        if before is not None and version.pk == before.pk:
            raise InvalidInput(
                f"This says the same as version {before.number}, which is in force: there is nothing to publish.",
                "config",
            )
    draft.delete()
    return version


@transaction.atomic
def discard_draft(*, draft: ScorecardDraft, now: datetime, actor: User | None) -> None:
    """Throw a draft away. Raises PermissionDenied."""
    check_actor(actor)
    if draft.scorecard is not None:
        log_scorecard("scorecard.draft_discarded", draft.scorecard, now, actor)
    else:
        log_security(kind="scorecard.draft_discarded", now=now, user=actor, subject=draft.name)
    draft.delete()


def _editable(config: object) -> Config:
    try:
        return to_draft(config)
    except InvalidScorecard as error:
        raise InvalidInput(str(error), "config") from error
