from datetime import UTC, datetime, timedelta

import pytest

from accounts.errors import InvalidInput
from accounts.models import Activity, ActivityRevision, Sentiment, SurveyResponse
from accounts.services import (
    delete_activity,
    edit_activity,
    record_activity,
    record_sentiment,
    record_survey_response,
)
from tests.factories import AccountFactory, ActivityFactory, ContactFactory, UserFactory

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def test_record_activity_keeps_who_what_and_when():
    account, contact, author = AccountFactory(), ContactFactory(), UserFactory()
    activity, is_new = record_activity(
        account=account,
        kind="call",
        occurred_at=NOW - timedelta(hours=1),
        now=NOW,
        subject="Kick-off",
        contacts=[contact],
        initiative="proactive",
        author=author,
    )
    assert is_new
    assert list(activity.contacts.all()) == [contact]
    assert account.events.get().payload == {
        "activity_id": activity.pk,
        "kind": "call",
        "function": "csm",
    }


def test_record_activity_with_the_same_external_id_edits_the_first():
    account = AccountFactory()
    for subject in ("Draft", "Final"):
        _activity, is_new = record_activity(
            account=account,
            kind="mail",
            occurred_at=NOW,
            now=NOW,
            subject=subject,
            system="crm",
            external_id="m1",
        )
    assert not is_new
    assert Activity.objects.get().subject == "Final"
    assert ActivityRevision.objects.get().subject == "Draft"


def test_edit_activity_unchanged_leaves_no_revision():
    activity = ActivityFactory(subject="Call")
    edit_activity(activity=activity, fields={"subject": "Call"}, editor=UserFactory())
    assert not ActivityRevision.objects.exists()


def test_edit_activity_refuses_other_fields():
    with pytest.raises(InvalidInput, match="There is no field 'account'"):
        edit_activity(activity=ActivityFactory(), fields={"account": None}, editor=UserFactory())


def test_delete_activity_hides_it_and_keeps_an_event():
    activity = ActivityFactory()
    delete_activity(activity=activity, now=NOW)
    assert not Activity.objects.exists()
    assert activity.account.events.get().kind == "activity.deleted"


@pytest.mark.parametrize(
    ("kind", "score"),
    [("nps", 11), ("nps", -1), ("csat", 0), ("ces", 8), ("nps", "9.5")],
)
def test_record_survey_response_refuses_a_score_out_of_range(kind, score):
    with pytest.raises(InvalidInput, match="whole number"):
        record_survey_response(account=AccountFactory(), kind=kind, score=score, occurred_at=NOW, now=NOW)
    assert not SurveyResponse.objects.exists()


def test_record_survey_response_is_one_per_external_id():
    account = AccountFactory()
    for score in (3, 4, 4):
        record_survey_response(
            account=account,
            kind="csat",
            score=score,
            occurred_at=NOW,
            now=NOW + timedelta(days=score),
            system="q",
            external_id="r1",
        )
    assert SurveyResponse.objects.get().score == 4
    assert sorted(account.events.values_list("kind", flat=True)) == ["survey.answered", "survey.corrected"]


def test_record_survey_response_keeps_what_a_corrected_answer_said():
    account = AccountFactory()
    options = {"account": account, "kind": "nps", "occurred_at": NOW, "system": "q", "external_id": "r1"}
    first, _ = record_survey_response(score=3, now=NOW, **options)
    corrected, is_new = record_survey_response(score=9, now=NOW + timedelta(days=2), **options)
    assert (corrected.pk, is_new) == (first.pk, False)
    assert (corrected.score, corrected.received_at, corrected.known_at) == (9, NOW + timedelta(days=2), NOW)
    old = SurveyResponse.all_objects.exclude(pk=first.pk).get()
    assert (old.score, old.received_at, old.deleted_at) == (3, NOW, NOW + timedelta(days=2))


def test_record_sentiment_refuses_an_unknown_level():
    with pytest.raises(InvalidInput, match=r"1 \(very poor\) to 5"):
        record_sentiment(account=AccountFactory(), user=UserFactory(), level=6, now=NOW)
    assert not Sentiment.objects.exists()
