"""A backup of the test database, restored into another, empty cluster."""

import json
import os
import re
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.db import connection

from cs_platform import backups, env, servers
from cs_platform.backups import BackupError
from team.models import Team
from tests.factories import AccountFactory, UserFactory

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]

TABLES = """
    SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
"""
CONTENT = "SELECT md5(coalesce(string_agg(row::text, '|' ORDER BY row::text), '')) FROM {} row"


def manage(*arguments: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=env.BASE_DIR,
        env={**inherited, "DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "cs_platform.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def contents(cursor) -> dict[str, str]:
    cursor.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    tables = [name for (name,) in cursor.fetchall()]
    found = {}
    for table in tables:
        cursor.execute(CONTENT.format(table))
        (found[table],) = cursor.fetchone()
    return found


def test_a_restored_cluster_holds_the_same_rows(tmp_path, data_dir):
    UserFactory.create_batch(2)
    AccountFactory.create_batch(3)
    Team.objects.create(name="Ænôn “quotes” \N{SMILING FACE WITH SUNGLASSES}")
    file = tmp_path / "today.backup"
    manifest = backups.back_up(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert backups.read_manifest(file) == manifest

    done = manage("restore", str(file), data_dir=data_dir)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Restored the backup of {manifest['made_at']} (version {manifest['version']}).\n"
    with connection.cursor() as cursor:
        expected = contents(cursor)
    assert len(expected) > 20
    with servers.running(["postgres"], data_dir=data_dir):
        url, _ = servers.urls(data_dir=data_dir, database_url="", redis_url="")
        with closing(psycopg2.connect(url)) as other, other.cursor() as cursor:
            assert contents(cursor) == expected
            cursor.execute("SELECT nextval(pg_get_serial_sequence('team_team', 'id'))")
            assert cursor.fetchone()[0] > Team.objects.get().pk

        again = manage("restore", str(file), data_dir=data_dir)
    assert again.returncode == 1
    assert re.search(r"This database already has \d+ tables\. Restore into an empty one", again.stderr)


def test_an_existing_file_is_not_overwritten(tmp_path):
    file = tmp_path / "kept"
    file.write_text("kept")
    with pytest.raises(BackupError, match="kept exists; choose another name"):
        backups.back_up(file)
    assert file.read_text() == "kept"


def test_a_failed_dump_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(backups, "_environment", lambda: {"PGHOST": "127.0.0.1", "PGPORT": "1"})
    with pytest.raises(BackupError, match=r"pg_dump failed: .*refused"):
        backups.back_up(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(BackupError, match="nowhere does not exist"):
        backups.back_up(tmp_path / "nowhere" / "file")


@pytest.fixture
def whole(tmp_path) -> Path:
    backups.back_up(tmp_path / "whole")
    return tmp_path / "whole"


def test_a_backup_cut_short_is_refused(whole):
    whole.write_bytes(whole.read_bytes()[:-20_000])
    with pytest.raises(BackupError, match=r"cut short|damaged"):
        backups.restore(whole)


def test_a_flipped_bit_is_noticed(whole):
    content = bytearray(whole.read_bytes())
    content[5000] ^= 1
    whole.write_bytes(content)
    with pytest.raises(BackupError, match="does not have the checksum"):
        backups.restore(whole)


def test_any_other_file_is_refused(tmp_path):
    (tmp_path / "letter").write_text("Dear reader")
    with pytest.raises(BackupError, match="letter is not a backup"):
        backups.restore(tmp_path / "letter")
    with pytest.raises(BackupError, match="absent does not exist"):
        backups.restore(tmp_path / "absent")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "has format 2; this version reads format 1"),
        ({"migrations": ["team.0099_future"], "version": "9.9"}, r"newer version \(9\.9\): team\.0099_future"),
        ({"postgresql": 99}, "is from PostgreSQL 99"),
    ],
)
def test_a_backup_from_the_future_is_refused(whole, change, words, monkeypatch):
    manifest = {**backups.read_manifest(whole), **change}
    monkeypatch.setattr(backups, "read_manifest", lambda _path: manifest)
    with pytest.raises(BackupError, match=words):
        backups.restore(whole)


def test_the_file_opens_with_ordinary_tools(whole):
    with tarfile.open(whole) as archive:
        assert archive.getnames() == ["database.dump", "manifest.json"]
        assert json.loads(archive.extractfile("manifest.json").read())["format"] == 1
        assert archive.extractfile("database.dump").read(5) == b"PGDMP"
