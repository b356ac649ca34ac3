"""What has been imported, so that the same file twice changes nothing."""

from django.db import models
from django.utils import timezone

from team.models import User


class ImportRun(models.Model):
    """An import: from the command line, or files uploaded in the browser, looked at there and then started."""

    class State(models.TextChoices):
        CHECKED = "checked", "Ready to import"
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed"

    mapping = models.CharField(max_length=100)
    system = models.CharField(max_length=60)
    files = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    report = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    started_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)
    rows_read = models.BigIntegerField(default=0)
    row_count = models.BigIntegerField(null=True, blank=True, help_text="Null: the files keep it to themselves.")

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.mapping} {self.started_at:%Y-%m-%d %H:%M}"


class ImportFile(models.Model):
    """A file uploaded for an import until that has finished, or the rows it could not take, as gzipped CSV.

    Kept here, because the worker may run on another machine than the web server.
    """

    class Role(models.TextChoices):
        INPUT = "input", "To be imported"
        PROBLEMS = "problems", "Rows with problems"

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="kept_files")
    role = models.CharField(max_length=8, choices=Role)
    name = models.CharField(max_length=255)
    content = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class ImportedRecord(models.Model):
    """A record of a file that has been written, in the transaction that wrote it.

    `key` is the digest of what names it, `content` of what it said: the same again is skipped, which
    is also how an import that was cut off goes on where it stopped.
    """

    key = models.UUIDField(primary_key=True)
    content = models.UUIDField()
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, db_index=False)
    row = models.BigIntegerField()

    def __str__(self) -> str:
        return f"row {self.row} of {self.run_id}"
