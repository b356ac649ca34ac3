"""How many rows a second the API writes in batches of 1,000 accounts: new, changed, and sent again unchanged.

The whole request by Django's test client, without the network.
"""

import json
import time

from django.conf import settings
from django.test import Client
from django.utils import timezone

from team.scopes import SCOPES
from team.services import create_api_key

ROWS = 1000
ROUNDS = 3


def run() -> dict[str, float]:
    """Return the rows a second of the middle round of each kind."""
    settings.ALLOWED_HOSTS = ["testserver"]
    _, key = create_api_key(name="bench", scopes=list(SCOPES), now=timezone.now())
    client = Client(headers={"Authorization": f"Bearer {key}"})
    client.get("/api/v1/accounts")  # the first request of a process loads code
    seconds: dict[str, list[float]] = {"new": [], "changed": [], "unchanged": []}
    for number in range(ROUNDS):
        for kind, stage in (("new", "adoption"), ("changed", "renewal"), ("unchanged", "renewal")):
            seconds[kind].append(_send(client, number, stage))
    return {f"{kind} rows/s": ROWS / sorted(times)[ROUNDS // 2] for kind, times in seconds.items()}


def _send(client: Client, number: int, stage: str) -> float:
    rows = [
        {
            "system": "crm",
            "external_id": f"{number}-{n}",
            "fields": {"name": f"Account {n} {stage}", "stage": stage, "tier": "growth"},
        }
        for n in range(ROWS)
    ]
    body = json.dumps({"inputs": rows})
    start = time.perf_counter()
    answer = client.post("/api/v1/accounts/batch/upsert", body, content_type="application/json")
    seconds = time.perf_counter() - start
    if answer.status_code != 200:
        raise SystemExit(f"The batch was answered {answer.status_code}: {answer.content[:300]!r}")
    return seconds
