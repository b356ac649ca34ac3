"""Prove that nobody changed the security log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from team.security import check_chain


class Command(BaseCommand):
    help = "Recomputes the hash chain of the security log; fails at the first row that does not fit."

    def handle(self, *args: Any, **options: Any) -> None:
        chain = check_chain()
        if chain.broken is not None:
            raise CommandError(
                f"Row {chain.broken.pk} ({chain.broken.kind}, {chain.broken.occurred_at:%Y-%m-%d %H:%M} UTC) does not "
                f"fit: it was changed, or rows before it were taken out. The {chain.count} rows before it are whole."
            )
        self.stdout.write(f"{chain.count} rows, whole. Note the last hash elsewhere: {chain.head or '(none)'}")
