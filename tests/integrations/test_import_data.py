"""The command: arguments, report, errors as one message, no traceback."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account

MAPPING = "system: crm\nsections: {accounts: {files: 'accounts*', accounts: {id: id, name: name, stage: stage}}}\n"
FLYING = "Lifecycle stage: 'flying' is none of prospect, onboarding, adoption, mature, renewal, churned."
pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crm.yaml").write_text(MAPPING)
    (tmp_path / "accounts.csv").write_text("id,name,stage\n1,One,adoption\n2,Two,flying\n")
    return tmp_path


def test_command_imports_and_reports(folder, capsys):
    call_command("import_data", "crm.yaml", "accounts.csv", "--errors", "errors.csv")
    out = capsys.readouterr()
    lines = out.out.splitlines()
    assert lines[0].startswith("crm (")
    assert lines[1:] == [
        "accounts: 2 rows of accounts.csv",
        "  accounts       1 new, 1 with errors",
        "Errors (not written):",
        "  invalid_value                 1",
        "    accounts.csv row 3: " + FLYING,
    ]
    assert out.err == ""
    assert Account.objects.get().name == "One"
    assert len((folder / "errors.csv").read_text().splitlines()) == 2


def test_dry_run_changes_nothing_and_says_so(folder, capsys):
    call_command("import_data", "crm.yaml", "accounts.csv", "--dry-run")
    out = capsys.readouterr().out
    assert out.startswith("crm: dry run, nothing was changed")
    assert out.endswith("With --errors FILE every such row is written to a file.\n")
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing", "accounts.csv"], "There is no mapping 'nothing'"),
        (["crm.yaml", "missing.csv"], "missing.csv: there is no such file"),
        (["crm.yaml", "crm.yaml"], "no section of crm may hold a file of this name"),
        (["crm.yaml", "accounts.csv", "--errors", "no/errors.csv"], "the error file cannot be written"),
    ],
)
def test_what_is_wrong_is_one_message(folder, arguments, message):
    with pytest.raises(CommandError, match=message):
        call_command("import_data", *arguments)
    assert not Account.objects.exists()
