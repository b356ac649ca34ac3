"""What a person does with what was learned: publish the probability, or make a draft of the weights."""

from datetime import datetime

from django.db import transaction

from accounts.errors import InvalidInput
from health.models import LearnedModel, ScorecardDraft
from health.services.scorecard_drafts import create_draft
from health.services.scorecards import check_actor, log_scorecard
from team.models import User


@transaction.atomic
def publish_model(*, model: LearnedModel, now: datetime, actor: User | None) -> LearnedModel:
    """Rank accounts of the model's scorecard by its probability, instead of another's.

    Raises InvalidInput for one without a usable signal, and PermissionDenied.
    """
    check_actor(actor)
    if model.scorecard is None:
        raise InvalidInput("It was learned from a file, not from a scorecard; publish the scorecard first.")
    if not model.is_usable:
        raise InvalidInput("It has no usable signal: on the later dates it ranked no better than chance.")
    LearnedModel.objects.select_for_update().filter(scorecard=model.scorecard, is_in_force=True).update(
        is_in_force=False
    )
    model.is_in_force, model.published_at, model.published_by = True, now, actor
    model.save(update_fields=["is_in_force", "published_at", "published_by"])
    log_scorecard("scorecard.model_published", model.scorecard, now, actor, backtest=str(model.backtest))
    return model


@transaction.atomic
def withdraw_model(*, model: LearnedModel, now: datetime, actor: User | None) -> LearnedModel:
    """Rank by the score again. Raises PermissionDenied."""
    check_actor(actor)
    changed = LearnedModel.objects.filter(pk=model.pk, is_in_force=True).update(is_in_force=False)
    if changed and model.scorecard is not None:
        log_scorecard("scorecard.model_withdrawn", model.scorecard, now, actor, backtest=str(model.backtest))
    model.is_in_force = False
    return model


def draft_learned_weights(*, model: LearnedModel, now: datetime, actor: User | None) -> ScorecardDraft:
    """Begin a draft with the learned weights. Raises InvalidInput when no measure earned any, and PermissionDenied."""
    from health.learning import with_weights

    config = with_weights(model.config, model.shares)
    if config is None:
        raise InvalidInput("No measure earned a weight; there is nothing to make a draft of.")
    return create_draft(config=config, scorecard=model.scorecard, name="Learned weights", now=now, actor=actor)
