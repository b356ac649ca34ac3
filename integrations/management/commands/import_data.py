"""manage.py import_data MAPPING FILE… [--dry-run] [--errors FILE]."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from integrations.imports.errors import ImportFailed
from integrations.imports.mapping import load_mapping
from integrations.imports.reading import total_rows
from integrations.imports.services import plan_import, run_import


class Command(BaseCommand):
    help = "Import CSV (also gzipped) or Excel files as a mapping says; docs/imports.md describes mappings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("mapping", help="path of a mapping, or the name of one that came along")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="report what would happen, change nothing",
        )
        parser.add_argument(
            "--errors",
            type=Path,
            metavar="FILE",
            help="write each row's errors and notices to this CSV file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            mapping = load_mapping(options["mapping"])
            plan = plan_import(mapping, options["files"])
            sources = [source for _, sources in plan for source in sources]
            with tqdm(
                total=total_rows(sources),
                unit=" rows",
                unit_scale=True,
                disable=not sys.stderr.isatty(),
            ) as progress:
                report = run_import(
                    mapping,
                    plan,
                    errors_path=options["errors"],
                    is_dry_run=options["dry_run"],
                    tick=progress.update,
                )
        except ImportFailed as error:
            raise CommandError(str(error)) from error
        for line in report.lines():
            self.stdout.write(line)
        if options["errors"] is None and (report.errors or report.notices):
            self.stdout.write("With --errors FILE every such row is written to a file.")
