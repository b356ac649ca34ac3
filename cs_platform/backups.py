"""Backups: one file that holds PostgreSQL's own dump and a manifest, and the way back.

The file is a tar archive, so that `tar` and `pg_restore` read it in need. The manifest comes last:
a file that was cut short has none and is refused.
"""

import hashlib
import io
import json
import subprocess
import tarfile
import time
from pathlib import Path
from typing import IO, Any

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from cs_platform import __version__
from cs_platform.servers.engines import find_postgres

FORMAT = 1
DUMP, MANIFEST = "database.dump", "manifest.json"
CHUNK_BYTES = 1024 * 1024


class BackupError(RuntimeError):
    """A backup cannot be made or restored; nothing was changed."""


def back_up(path: Path) -> dict[str, Any]:
    """Write a backup of the database, taken in one snapshot; return its manifest.

    Raises BackupError when the file exists or the dump fails; then no file is left.
    """
    if path.exists():
        raise BackupError(f"{path} exists; choose another name.")
    draft = path.with_name(f"{path.name}.draft")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        with draft.open("r+b") as file:
            size, digest = _write_dump(file)
            manifest = _manifest(size=size, digest=digest)
            with tarfile.open(fileobj=file, mode="a", format=tarfile.GNU_FORMAT) as archive:
                content = json.dumps(manifest, indent=2).encode()
                archive.addfile(_member(MANIFEST, len(content)), io.BytesIO(content))
    except FileExistsError:
        raise BackupError(f"{draft} exists: another backup is being made; if not, delete it.") from None
    except FileNotFoundError:
        raise BackupError(f"{path.parent} does not exist.") from None
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    draft.replace(path)
    return manifest


def restore(path: Path) -> dict[str, Any]:
    """Bring a backup into this database, all or nothing, then migrate it to this version.

    Raises BackupError when the file is damaged or from a newer version, or the database holds anything.
    """
    manifest = read_manifest(path)
    _refuse_what_is_newer(manifest)
    if tables := _table_count():
        raise BackupError(
            f"This database already has {tables} tables. Restore into an empty one: "
            f"DATA_DIR=/a/new/folder manage.py restore {path}, or a DATABASE_URL that names a new database."
        )
    program = find_postgres("pg_restore", at_least=manifest["postgresql"]) / "pg_restore"
    with tarfile.open(path) as archive:
        dump = archive.extractfile(DUMP)
        assert dump
        options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
        database = str(connection.settings_dict["NAME"])
        _pour(dump, [str(program), *options, f"--dbname={database}"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    call_command("migrate", verbosity=0, interactive=False)
    return manifest


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of a backup whose dump is whole. Raises BackupError for anything else."""
    try:
        with tarfile.open(path) as archive:
            names = archive.getnames()
            if names != [DUMP, MANIFEST]:
                raise BackupError(f"{path} is not a whole backup: {MANIFEST} is missing; it may have been cut short.")
            content, dump = archive.extractfile(MANIFEST), archive.extractfile(DUMP)
            assert content
            assert dump
            manifest: dict[str, Any] = json.loads(content.read())
            digest = hashlib.sha256()
            while chunk := dump.read(CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        raise BackupError(f"{path} does not exist.") from None
    except (tarfile.TarError, EOFError, ValueError):
        raise BackupError(f"{path} is not a backup, or it is damaged.") from None
    if digest.hexdigest() != manifest.get("sha256"):
        raise BackupError(f"{path} is damaged: its dump does not have the checksum that was noted.")
    return manifest


def _write_dump(file: IO[bytes]) -> tuple[int, str]:
    """Write pg_dump's output as the archive's first member; return its size and SHA-256.

    The size is known only afterwards, so the member's header is written last.
    """
    program = find_postgres("pg_dump", at_least=_server_version()) / "pg_dump"
    file.write(bytes(tarfile.BLOCKSIZE))
    digest, size = hashlib.sha256(), 0
    with subprocess.Popen(
        [program, "--format=custom", "--no-owner", "--no-privileges"],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        while chunk := process.stdout.read(CHUNK_BYTES):
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        words = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise BackupError(f"pg_dump failed: {words}")
    file.write(bytes(-size % tarfile.BLOCKSIZE))
    file.write(bytes(2 * tarfile.BLOCKSIZE))
    file.seek(0)
    file.write(_member(DUMP, size).tobuf(tarfile.GNU_FORMAT))
    file.seek(0)
    return size, digest.hexdigest()


def _pour(source: IO[bytes], command: list[str]) -> None:
    """Feed a stream to a program. Raises BackupError with its words when it fails."""
    with subprocess.Popen(
        command, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stderr
        try:
            while chunk := source.read(CHUNK_BYTES):
                process.stdin.write(chunk)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it gave up; its words say why
        words = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise BackupError(f"pg_restore failed, and nothing was changed: {words}")


def _manifest(*, size: int, digest: str) -> dict[str, Any]:
    applied = MigrationLoader(connection).applied_migrations
    return {
        "format": FORMAT,
        "version": __version__,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "postgresql": _server_version(),
        "migrations": sorted(f"{app}.{name}" for app, name in applied),
        "bytes": size,
        "sha256": digest,
    }


def _refuse_what_is_newer(manifest: dict[str, Any]) -> None:
    if manifest["format"] != FORMAT:
        raise BackupError(f"This backup has format {manifest['format']}; this version reads format {FORMAT}.")
    known = {f"{app}.{name}" for app, name in MigrationLoader(connection).disk_migrations or {}}
    if unknown := sorted(set(manifest["migrations"]) - known):
        raise BackupError(
            f"This backup was made by a newer version ({manifest['version']}): {unknown[0]} is not known here. "
            "Update first."
        )
    if manifest["postgresql"] > _server_version():
        raise BackupError(
            f"This backup is from PostgreSQL {manifest['postgresql']}, this server is {_server_version()}: "
            "restore into the same or a newer one."
        )


def _table_count() -> int:
    with connection.cursor() as cursor:
        return len(connection.introspection.table_names(cursor))


def _server_version() -> int:
    connection.ensure_connection()
    return int(connection.pg_version // 10000)  # type: ignore[attr-defined]


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(time.time())
    return member


def _environment() -> dict[str, str]:
    """Return the environment by which PostgreSQL's programs find the database, password included."""
    database = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    found = {variable: str(database[key]) for variable, key in names.items() if database[key]}
    options = {f"PG{name.upper()}": str(value) for name, value in database["OPTIONS"].items() if name.startswith("ssl")}
    return {**found, **options}
