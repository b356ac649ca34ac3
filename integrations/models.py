"""What has been imported, so that the same file twice changes nothing."""

from django.db import models
from django.utils import timezone


class ImportRun(models.Model):
    """One `import_data` that wrote, or began to."""

    class State(models.TextChoices):
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

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.mapping} {self.started_at:%Y-%m-%d %H:%M}"


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
