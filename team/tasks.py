"""What Celery runs: a wake-up, nothing else. The work itself lies in PostgreSQL."""

from celery import shared_task


@shared_task(name="team.run_due_work", ignore_result=True)
def run_due_work() -> None:
    from team import work

    work.wake_workers.heard()
    work.run_due_work()
