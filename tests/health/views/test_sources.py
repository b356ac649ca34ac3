import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from health.models import IngestBatch, Source
from health.services.sources import create_source
from health.usage.processor import MAX_ATTEMPTS
from team.enums import AccessLevel
from team.models import SecurityEvent
from tests.factories import ProductFactory, SourceFactory, UserFactory
from tests.health.wire import deliver, process, track

pytestmark = pytest.mark.django_db
LIST = "/settings/sources/"


@pytest.fixture
def editor(client):
    user = UserFactory(access_level=AccessLevel.EDITOR, name="Edith")
    client.force_login(user)
    return user


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_list_tells_how_every_source_does(client, editor):
    busy, quiet = SourceFactory(name="App", product=ProductFactory(name="Core")), SourceFactory(name="Old")
    Source.objects.filter(pk=quiet.pk).update(is_enabled=False)
    events = [track("u1", group="acme"), track("u1", group="acme"), {"type": "nonsense"}]
    deliver(busy, [*events, events[0]])
    process()
    deliver(busy, events[:2], now=timezone.now() - timedelta(minutes=5))
    page = text(client.get(LIST))
    assert "2 events wait, the oldest since 5 minutes ago" in page
    assert "App Core On just now 2 1 1 1 in quarantine 2 since 5 minutes ago" in page
    assert "Old Off Never 0 0 0 0" in page


def test_list_without_sources_says_what_one_is(client, editor):
    page = text(client.get(LIST))
    assert "No source yet" in page
    assert "Everything that came is processed" in page


@pytest.mark.parametrize("count", [1, 3])
def test_list_has_the_same_queries_for_any_number(client, editor, django_assert_num_queries, count):
    for _ in range(count):
        deliver(SourceFactory(product=ProductFactory()), [track("u1", group="acme")])
    process()
    client.get(LIST)
    with django_assert_num_queries(8):
        client.get(LIST)


def test_failed_bodies_are_shown_and_tried_again(client, editor, source):
    deliver(source, [track("u1", group="acme")])
    IngestBatch.objects.update(attempts=MAX_ATTEMPTS)
    assert "1 request could not be processed" in text(client.get(LIST))
    client.post(reverse("ingest_retry"))
    assert IngestBatch.objects.get().attempts == 0


def test_add_makes_a_source_and_shows_what_to_paste(client, editor, settings):
    settings.PUBLIC_URL = "https://cs.example"
    response = client.post(reverse("source_add"), {"name": " Web app ", "system": "product"}, follow=True)
    source = Source.objects.get()
    assert (source.name, source.created_by, source.is_enabled) == ("Web app", editor, True)
    assert re.fullmatch(r"wk_[0-9a-f]{32}", source.write_key)
    page = response.content.decode()
    assert page.count(source.write_key) == 8
    assert "analytics.host = &quot;https://cs.example&quot;" in page
    assert SecurityEvent.objects.get(kind="source.created").subject == "Web app"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "App", "system": "product"}, "There is already a source “App”."),
        ({"name": " ", "system": "product"}, "This field is required."),
        ({"name": "New", "system": "Two words"}, "A word of a–z"),
    ],
)
def test_add_with_mistakes_keeps_what_was_given(client, editor, source, given, message):
    response = client.post(reverse("source_add"), given)
    assert response.status_code == 422
    assert message in response.content.decode()
    assert f'value="{given["system"]}"' in response.content.decode()
    assert Source.objects.count() == 1


def test_change_renames_and_gives_a_product(client, editor, source):
    product = ProductFactory()
    client.post(reverse("source", args=[source.pk]), {"name": "App 2", "system": "legacy", "product": product.pk})
    source.refresh_from_db()
    assert (source.name, source.system, source.product, source.write_key) == ("App 2", "legacy", product, "wk")


def test_switch_off_and_on(client, editor, source):
    for wanted in (False, False, True):
        client.post(reverse("source_switch", args=[source.pk]), {"is_enabled": str(wanted).lower()})
        source.refresh_from_db()
        assert source.is_enabled is wanted
    kinds = SecurityEvent.objects.filter(kind__startswith="source.").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["source.disabled", "source.enabled"]


def test_rotate_gives_a_new_key(client, editor, source):
    client.post(reverse("source_rotate", args=[source.pk]))
    source.refresh_from_db()
    assert source.write_key.startswith("wk_")
    assert "wk_" not in str(list(SecurityEvent.objects.values()))


@pytest.mark.parametrize("level", [AccessLevel.VIEWER, AccessLevel.CONTRIBUTOR])
def test_only_editors_see_and_change_sources(client, source, level):
    client.force_login(UserFactory(access_level=level))
    pk = [source.pk]
    for path in (LIST, reverse("source_add"), reverse("source", args=pk)):
        assert client.get(path).status_code == 403
    posts = [
        (reverse("source_add"), {"name": "X", "system": "product"}),
        (reverse("source", args=pk), {"name": "X", "system": "product"}),
        (reverse("source_switch", args=pk), {"is_enabled": "false"}),
        (reverse("source_rotate", args=pk), {}),
        (reverse("ingest_retry"), {}),
    ]
    before = list(Source.objects.values())
    for path, given in posts:
        assert client.post(path, given).status_code == 403
    assert list(Source.objects.values()) == before


def test_changes_need_a_post_and_a_source_that_exists(client, editor, source):
    for name in ("source_switch", "source_rotate"):
        assert client.get(reverse(name, args=[source.pk])).status_code == 405
        assert client.post(reverse(name, args=[0])).status_code == 404
    assert client.get(reverse("ingest_retry")).status_code == 405
    assert client.get(reverse("source", args=[0])).status_code == 404


def test_create_source_command(capsys):
    call_command("create_source", "Web app")
    call_command("create_source", "Backend", write_key="key-1")
    keys = capsys.readouterr().out.split()
    assert keys == [Source.objects.get(name="Web app").write_key, "key-1"]
    for name, key, message in (
        ("Web app", "x", "already"),
        ("Third", "key-1", "Another"),
        ("Third", "a:b", "no colon"),
        ("Third", "", "1 to 64"),
    ):
        with pytest.raises(CommandError, match=message):
            call_command("create_source", name, write_key=key)
    assert Source.objects.count() == 2


def test_create_source_makes_keys_that_differ(db):
    now = timezone.now()
    assert len({create_source(name=str(n), now=now).write_key for n in range(5)}) == 5
