"""Rows that other systems can follow: version, change position and tombstone.

A database trigger stamps them, so that bulk updates count too. The position is the pair
(change_xid, change_seq): the writing transaction's id, then a sequence. A reader holds back rows
whose change_xid is not below `change_horizon()`, so that a transaction that commits late is never
skipped. `ChangeOffset` keeps positions growing when a backup is restored into a new cluster.
"""

from datetime import datetime
from typing import TypeVar

from django.db import connection, migrations, models

T = TypeVar("T", bound=models.Model)


class ChangeOffset(models.Model):
    """One row: what to add to this cluster's transaction ids."""

    xid_offset = models.BigIntegerField(default=0)

    class Meta:
        app_label = "team"

    def __str__(self) -> str:
        return str(self.xid_offset)


class LiveManager(models.Manager[T]):
    """Leaves out deleted rows; `all_objects` has them."""

    def get_queryset(self) -> models.QuerySet[T]:
        return super().get_queryset().filter(deleted_at=None)


class SyncRow(models.Model):
    """Base of everything the API exposes."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True, help_text="Set by the trigger on every change.")
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    row_version = models.BigIntegerField(default=1, editable=False)
    change_xid = models.BigIntegerField(default=0, editable=False)
    change_seq = models.BigIntegerField(default=0, editable=False)

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["change_xid", "change_seq"], name="%(class)s_change")]


def change_horizon() -> int:
    """Return the position below which every change_xid is committed or rolled back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint + coalesce(max(xid_offset), 0)"
            " FROM team_changeoffset"
        )
        return int(cursor.fetchone()[0])


def time_horizon() -> datetime:
    """Return the moment before which every updated_at is committed or rolled back.

    A row is stamped after its transaction began and after that got its id, so an open transaction
    with an id may still bring rows from its start on; one without an id only rows from now on.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        cursor.execute("SELECT min(xact_start) FROM pg_stat_activity WHERE backend_xid IS NOT NULL")
        oldest: datetime | None = cursor.fetchone()[0]
    return now if oldest is None else min(now, oldest)


def stamp_table(table: str) -> migrations.RunSQL:
    """Return the migration operation that makes the trigger stamp rows of `table`."""
    return migrations.RunSQL(
        f"CREATE TRIGGER stamp_change BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION stamp_change()",
        f"DROP TRIGGER stamp_change ON {table}",
    )


STAMP_FUNCTION = """
CREATE SEQUENCE team_change_seq;
CREATE FUNCTION stamp_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- Django's save() sets it, whether or not anything else changes.
        NEW.updated_at := OLD.updated_at;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
        NEW.row_version := OLD.row_version + 1;
    ELSE
        NEW.row_version := 1;
    END IF;
    -- The transaction's id before the clock: time_horizon() relies on it.
    NEW.change_xid := pg_current_xact_id()::text::bigint
        + coalesce((SELECT max(xid_offset) FROM team_changeoffset), 0);
    NEW.updated_at := clock_timestamp();
    NEW.change_seq := nextval('team_change_seq');
    RETURN NEW;
END
$$;
"""
DROP_STAMP_FUNCTION = "DROP FUNCTION stamp_change(); DROP SEQUENCE team_change_seq;"


def row_etag(row: SyncRow) -> str:
    """Return the strong ETag of a row."""
    return f'"{row.row_version}"'
