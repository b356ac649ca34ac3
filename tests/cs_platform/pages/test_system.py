from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from cs_platform.timetable import TIMETABLE
from health.models import DirtyAccount
from team import work
from team.models import Schedule, SecurityEvent, Work
from team.schedules import declare
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
EARLY = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def admin(client):
    user = UserFactory(access_level="admin")
    client.force_login(user)
    return user


def dead_row(**values):
    now = timezone.now()
    return Work.objects.create(kind="k", state="dead", attempts=5, error="ValueError: no", finished_at=now, **values)


def page(client):
    return client.get(reverse("system")).content.decode()


def scraped(client):
    families = text_string_to_metric_families(client.get("/metrics").content.decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_a_well_system_has_no_alarm(client, admin):
    declare(TIMETABLE, now=timezone.now())
    work.enqueue(kind="team.canary")
    work.run_due_work()
    text = page(client)
    assert "No alarm" in text
    assert "PostgreSQL 1" in text
    assert "Version 0." in text


def test_what_waits_too_long_and_what_was_given_up_is_an_alarm(client, admin):
    declare(TIMETABLE, now=EARLY)
    work.enqueue(kind="team.canary", due_at=EARLY)
    dead_row()
    DirtyAccount.objects.create(account_id=1, since=EARLY, marked_at=EARLY)
    alarms = {figure.name for figure in client.get(reverse("system")).context["alarms"]}
    assert alarms == {"scheduler_late_seconds", "work_oldest_due_seconds", "work_dead", "score_lag_seconds"}


def test_without_redis_the_page_opens_and_says_so(client, admin, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert "Redis out of reach: 1" in page(client)


def test_pending_migrations_are_named(client, admin, monkeypatch):
    from cs_platform.pages import system

    monkeypatch.setattr(system, "pending_migrations", lambda: ["health.0099_next"])
    assert "health.0099_next" in page(client)


def test_dead_work_is_shown_with_its_error_and_tried_again(client, admin):
    row = dead_row(key="account 7")
    assert all(words in page(client) for words in ("account 7", "ValueError: no"))
    client.post(reverse("work_retry", args=[row.pk]))
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("due", 0)
    assert "not given up any more" in client.post(reverse("work_retry", args=[row.pk]), follow=True).content.decode()


def test_dead_work_is_discarded(client, admin):
    row = dead_row()
    client.post(reverse("work_discard", args=[row.pk]))
    assert not Work.objects.exists()
    assert "not given up any more" in client.post(reverse("work_discard", args=[row.pk]), follow=True).content.decode()


def test_a_schedule_runs_now_and_shows_how_it_went(client, admin):
    declare(TIMETABLE, now=timezone.now())
    row = Schedule.objects.get(name="team.forget_done_work")
    client.post(reverse("schedule_run", args=[row.pk]))
    assert Work.objects.get().kind == "team.forget_done_work"
    Work.objects.update(error="OperationalError: gone")
    assert "Trying again" in page(client)
    Work.objects.update(state="dead", finished_at=timezone.now())
    assert "Given up" in page(client)


def test_a_schedule_that_left_the_timetable_does_not_run(client, admin):
    row = Schedule.objects.create(name="gone", every_seconds=60, next_run_at=EARLY)
    assert "not in the timetable" in client.post(reverse("schedule_run", args=[row.pk]), follow=True).content.decode()
    assert not Work.objects.exists()


def test_work_that_waits_is_counted_by_kind(client, admin):
    work.enqueue(kind="team.canary")
    work.enqueue(kind="team.canary", due_at=datetime(2099, 1, 1, tzinfo=UTC))
    work.claim_next()
    work.enqueue(kind="b")
    kinds = client.get(reverse("system")).context["kinds"]
    assert [(row["kind"], row["due"], row["running"], row["later"]) for row in kinds] == [
        ("b", 1, 0, 0),
        ("team.canary", 0, 1, 1),
    ]


def test_queries_do_not_grow(client, admin, django_assert_num_queries):
    declare(TIMETABLE, now=timezone.now())
    client.get(reverse("system"))
    for _ in range(3):
        dead_row()
        work.enqueue(kind="b")
        with django_assert_num_queries(23):
            client.get(reverse("system"))


def test_metrics_hold_every_known_figure(client, admin):
    dead_row()
    values = scraped(client)
    assert values["cs_work_dead"] == 1
    assert values["cs_ingest_backlog_events"] == 0
    assert values["cs_score_lag_seconds"] == 0
    assert values["cs_event_lag_seconds"] == 0
    assert values["cs_redis_down"] == 0
    assert "cs_backup_age_seconds" not in values


@pytest.mark.live
def test_a_backup_is_in_the_security_log_and_has_an_age(client, transactional_db, tmp_path, capsys):
    call_command("backup", str(tmp_path / "today.backup"))
    assert SecurityEvent.objects.get().subject == "today.backup"
    assert 0 <= scraped(client)["cs_backup_age_seconds"] < 60


def test_strangers_and_editors_see_nothing(client):
    assert client.get(reverse("system")).status_code == 302
    client.force_login(UserFactory(access_level="editor"))
    assert client.get(reverse("system")).status_code == 403
