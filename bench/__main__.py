"""`make bench`: speeds on generated data, each beside a reference or a bar, in one run.

    make bench ARGS="--accounts 10000 --events 2000000 --only api ingest freshness lists scoring backtest --growth"

`--growth` measures each part again with ten times as much and says how its figures have grown.
Every part gets a database of its own on the server that DATABASE_URL names (or the embedded one) and
deletes it. The machine is noisy: compare ratios of one run, not seconds of two.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable

Figures = dict[str, float]
TIMES = 10

# What a figure must not fall below (+) or exceed (−).
BARS: dict[tuple[str, str], tuple[str, float]] = {
    ("ingest", "accepted events/s"): ("+", 20_000),
    ("ingest", "p99 ms"): ("-", 150),
    ("ingest", "ratio"): ("+", 0.12),
    ("freshness", "p95 s"): ("-", 60),
    ("lists", "list p95 ms"): ("-", 150),
    ("lists", "360 p95 ms"): ("-", 200),
    ("alerts", "everybody, s"): ("-", 60),
    ("alerts", "2,000 changed accounts, s"): ("-", 20),
    ("alerts", "my inbox p95 ms"): ("-", 150),
    ("backtest", "whole backtest, s"): ("-", 300),
    ("api", "new rows/s"): ("+", 500),
    ("api", "changed rows/s"): ("+", 500),
    ("scoring", "rescore, s"): ("-", 60),
    ("scoring", "a night's run of 3 scorecards, s"): ("-", 180),
    ("scoring", "ratio"): ("-", 3),
}


def ingest(options: argparse.Namespace) -> Figures:
    from bench.ingest import run

    return run(events=min(options.events, 200_000), accounts=options.accounts)


def freshness(options: argparse.Namespace) -> Figures:
    from bench.freshness import run

    return run(accounts=min(options.accounts, 10_000))


def lists(options: argparse.Namespace) -> Figures:
    from bench.lists import run

    return run(accounts=options.accounts)


def scoring(options: argparse.Namespace) -> Figures:
    from bench.scoring import run

    return run(accounts=options.accounts, rows=options.events)


def api(options: argparse.Namespace) -> Figures:
    from bench.api import run

    return run()


def alerts(options: argparse.Namespace) -> Figures:
    from bench.alerts import run

    return run(accounts=options.accounts, rows=options.events)


def backtest(options: argparse.Namespace) -> Figures:
    from bench.backtest import run

    return run(accounts=options.accounts, rows=options.events)


PARTS: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "alerts": alerts,
    "api": api,
    "backtest": backtest,
    "ingest": ingest,
    "freshness": freshness,
    "lists": lists,
    "scoring": scoring,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--only", nargs="*", choices=sorted(PARTS), default=sorted(PARTS))
    parser.add_argument("--growth", action="store_true")
    options = parser.parse_args()

    from cs_platform import env, servers

    names = servers.embedded(database_url=env.text("DATABASE_URL"), redis_url=env.text("REDIS_URL"))
    with servers.running(names, data_dir=env.data_dir()):
        os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = servers.urls(
            data_dir=env.data_dir(), database_url=env.text("DATABASE_URL"), redis_url=env.text("REDIS_URL")
        )
        os.environ["DJANGO_SETTINGS_MODULE"] = "cs_platform.settings"
        import django

        django.setup()
        for name in options.only:
            figures = measure(name, options)
            if options.growth:
                more = argparse.Namespace(accounts=options.accounts * TIMES, events=options.events * TIMES)
                measure(name, more, before=figures)


def measure(name: str, options: argparse.Namespace, *, before: Figures | None = None) -> Figures:
    """Run one part in a database of its own and print its figures, beside what they were `before` with less."""
    from bench.ingest import own_database

    started = time.monotonic()
    with own_database():
        figures = PARTS[name](options)
    sys.stdout.write(f"\n{name} ({options.accounts:,} accounts, {time.monotonic() - started:.0f} s)\n")
    for label, value in figures.items():
        grown = f"×{value / before[label]:.2f}" if before and before.get(label) else ""
        sys.stdout.write(f"  {label:44} {value:14,.2f}  {grown:8} {verdict(name, label, value)}\n")
    sys.stdout.flush()
    return figures


def verdict(part: str, label: str, value: float) -> str:
    """Say whether a figure meets its bar; nothing where there is none."""
    if (part, label) not in BARS:
        return ""
    sign, bar = BARS[part, label]
    is_met = value >= bar if sign == "+" else value <= bar
    return f"{'meets' if is_met else 'MISSES'} the bar of {'at least' if sign == '+' else 'at most'} {bar:,g}"


if __name__ == "__main__":
    main()
