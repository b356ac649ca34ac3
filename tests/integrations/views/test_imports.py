"""Imports from the browser: upload, look, import, result."""

import csv
import gzip
import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import Account
from integrations.imports import problems, uploads
from integrations.imports.mapping import load_mapping
from integrations.imports.services import plan_import, run_import
from integrations.models import ImportFile, ImportRun
from team import work
from team.enums import AccessLevel
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
EXCERPT = Path(__file__).parent.parent / "data" / "orders_excerpt.csv"
BAD = b"536365,85123A,HOLDER,much,01-12-2010 08:26,2.55,17850,United Kingdom\n"


@pytest.fixture
def editor(client):
    user = UserFactory(name="Ed Itor", access_level=AccessLevel.EDITOR)
    client.force_login(user)
    return user


def upload(client, *files, mapping="online_retail"):
    sent = [SimpleUploadedFile(name, content) for name, content in files]
    return client.post("/settings/imports/new/", {"mapping": mapping, "uploads": sent})


def orders(extra=b""):
    return ("online_retail.csv", EXCERPT.read_bytes() + extra)


def do(client, run):
    client.post(f"/settings/imports/{run.pk}/start/")
    work.run_due_work()
    run.refresh_from_db()


def test_upload_is_looked_at_before_anything_is_written(client, editor):
    answer = upload(client, orders())
    run = ImportRun.objects.get()
    assert answer.url == f"/settings/imports/{run.pk}/"
    assert (run.state, run.started_by, run.files) == ("checked", editor, ["online_retail.csv"])
    page = client.get(answer.url)
    (section,) = page.context["sections"]
    accounts = section.samples[0]
    assert (accounts.target, accounts.columns[:2]) == ("accounts", ["id", "name"])
    assert accounts.rows[0][1] == f"Customer {accounts.rows[0][0]}"
    assert f"Import {run.row_count:,} rows" in page.content.decode()
    assert not Account.objects.exists()


def test_worker_imports_it_once_and_the_same_file_again_changes_nothing(client, editor):
    upload(client, orders())
    run = ImportRun.objects.get()
    do(client, run)
    count = Account.objects.count()
    assert (run.state, run.rows_read, count > 0) == ("finished", run.row_count, True)
    assert not run.kept_files.filter(role="input").exists()
    page = client.get(f"/settings/imports/{run.pk}/")
    assert page.context["found"].lines[0].counts["new"] == count
    uploads.carry_out(run.pk)
    upload(client, orders())
    again = ImportRun.objects.first()
    do(client, again)
    (line, *_) = client.get(f"/settings/imports/{again.pk}/").context["found"].lines
    assert (line.counts["new"], line.counts["unchanged"], Account.objects.count()) == (0, count, count)
    listed = client.get("/settings/imports/").context["runs"]
    assert [found.run.pk for found in listed] == [again.pk, run.pk]
    client.post(f"/settings/imports/{run.pk}/start/")
    run.refresh_from_db()
    assert run.state == "finished"


def test_sections_stand_in_the_order_in_which_they_were_imported(client, editor):
    def section(file, rows):
        return {"files": [file], "rows": rows, "skipped": {}, "outcomes": [
            {"target": "events", "new": 1, "changed": 0, "unchanged": 0, "repeated": 0, "failed": 0,
             "events": {"Order returned": {"count": 1, "sum": "-12.50"}}},
        ]}  # fmt: skip

    run = ImportRun.objects.create(
        mapping="m", system="s", files=["customers.csv", "use.csv"], state="finished",
        report={"sections": {"customers": section("customers.csv", 3), "use": section("use.csv", 4)}},
    )  # fmt: skip
    page = client.get(f"/settings/imports/{run.pk}/")
    assert [line.section for line in page.context["found"].lines] == ["customers", "use"]
    assert "7 rows read" in page.content.decode()
    assert "Value −12.50" in page.content.decode()


def test_refused_rows_are_downloaded_with_their_reason(client, editor):
    upload(client, orders(BAD))
    run = ImportRun.objects.get()
    do(client, run)
    page = client.get(f"/settings/imports/{run.pk}/")
    assert page.context["has_problems"]
    answer = client.get(f"/settings/imports/{run.pk}/problems/")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert answer["Content-Disposition"] == f'attachment; filename="{run.kept_files.get().name}"'
    assert any("much" in row["message"] + row["raw"] and row["level"] == "error" for row in rows)


def test_file_that_no_section_takes_is_refused_on_the_form(client, editor):
    page = upload(client, ("invoices.csv", EXCERPT.read_bytes()))
    assert page.status_code == 422
    assert "invoices.csv: no section of online_retail may hold a file of this name" in page.context["form"].errors[
        "uploads"
    ][0].replace("&#x27;", "'")
    page = upload(client, ("online_retail.csv", b"a,b\n1,2\n"))
    assert "which the file does not have" in page.context["form"].errors["uploads"][0]
    assert upload(client, orders(), orders()).context["form"].errors["uploads"] == [
        "Two of the files have the same name; rename one."
    ]
    assert upload(client).status_code == 422
    assert upload(client, orders(), mapping="nothing").status_code == 422
    assert not ImportRun.objects.exists()
    assert not ImportFile.objects.exists()


def test_names_cannot_leave_the_folder(client, editor):
    name, content = orders()
    upload(client, (f"../../{name}", content))
    assert ImportRun.objects.get().files == [name]


def test_too_much_is_sent_to_the_command(client, editor, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    assert "manage.py import_data" in upload(client, orders()).context["form"].errors["uploads"][0]


def test_a_name_no_disk_takes_is_refused(client, editor):
    page = upload(client, (f"online_retail{'ü' * 200}.csv", orders()[1]))
    assert "is too long; rename the file." in page.context["form"].errors["uploads"][0]


def test_upload_is_discarded_unless_it_was_imported(client, editor):
    upload(client, orders())
    run = ImportRun.objects.get()
    assert client.post(f"/settings/imports/{run.pk}/discard/").url == "/settings/imports/"
    assert not ImportFile.objects.exists()
    upload(client, orders())
    run = ImportRun.objects.get()
    do(client, run)
    client.post(f"/settings/imports/{run.pk}/discard/")
    assert ImportRun.objects.filter(pk=run.pk).exists()


def test_failure_is_told_and_can_be_tried_again(client, editor, monkeypatch):
    upload(client, orders())
    run = ImportRun.objects.get()
    run.kept_files.update(content=b"nonsense")
    do(client, run)
    assert (run.state, run.error.startswith("online_retail.csv: ")) == ("failed", True)
    assert "Try again" in client.get(f"/settings/imports/{run.pk}/").content.decode()
    run.kept_files.update(content=orders()[1])
    do(client, run)
    assert (run.state, run.error) == ("finished", "")


def test_run_a_dead_worker_left_is_finished_by_the_next(client, editor):
    upload(client, orders())
    run = ImportRun.objects.get()
    ImportRun.objects.update(state="running", rows_read=3)
    uploads.carry_out(run.pk)
    run.refresh_from_db()
    assert (run.state, run.rows_read) == ("finished", run.row_count)


def test_page_asks_for_progress_while_it_runs_then_shows_the_result(client, editor):
    upload(client, orders())
    run = ImportRun.objects.get()
    url = f"/settings/imports/{run.pk}/"
    ImportRun.objects.update(state="running", rows_read=2)
    assert "every 2s" in client.get(url).content.decode()
    assert "2 of" in client.get(url, headers={"HX-Request": "true"}).content.decode()
    ImportRun.objects.update(state="finished")
    assert client.get(url, headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_problems_of_the_command_are_kept_too_and_forgotten_in_time(client, editor, tmp_path, monkeypatch):
    path = tmp_path / "online_retail.csv"
    path.write_bytes(orders(BAD)[1])
    mapping = load_mapping("online_retail")
    run_import(mapping, plan_import(mapping, [path]))
    kept = ImportFile.objects.get()
    assert b"much" in gzip.decompress(kept.content)
    ImportFile.objects.update(created_at=kept.created_at - problems.KEPT_FOR)
    run_import(mapping, plan_import(mapping, [path]))
    assert ImportFile.objects.get().pk != kept.pk
    assert client.get(f"/settings/imports/{kept.run_id}/problems/").status_code == 404


@pytest.mark.parametrize("level", [AccessLevel.VIEWER, AccessLevel.CONTRIBUTOR])
def test_only_editors_import(client, level):
    client.force_login(UserFactory(access_level=level))
    run = ImportRun.objects.create(mapping="online_retail", system="online_retail", state="checked")
    for name in ("import_list", "import_new"):
        assert client.get(reverse(name)).status_code == 403
    for name in ("import_run", "import_problems"):
        assert client.get(reverse(name, args=[run.pk])).status_code == 403
    for name in ("import_start", "import_discard"):
        assert client.post(reverse(name, args=[run.pk])).status_code == 403
    assert upload(client, orders()).status_code == 403
    assert ImportRun.objects.get().state == "checked"


def test_starting_and_discarding_are_posts(client, editor):
    run = ImportRun.objects.create(mapping="online_retail", system="online_retail", state="checked")
    assert client.get(f"/settings/imports/{run.pk}/start/").status_code == 405
    assert client.get(f"/settings/imports/{run.pk}/discard/").status_code == 405


@pytest.mark.parametrize("count", [1, 3])
def test_query_count_does_not_grow_with_runs(client, editor, django_assert_num_queries, count):
    for _ in range(count):
        ImportRun.objects.create(mapping="online_retail", system="online_retail", started_by=editor)
    with django_assert_num_queries(7):
        client.get("/settings/imports/")
