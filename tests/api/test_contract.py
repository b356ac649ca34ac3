"""The API keeps what its OpenAPI description says: schemathesis makes up requests from it, right and wrong ones."""

import os

import pytest
import schemathesis
from django.db import transaction
from django.test.client import ClientHandler
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from cs_platform.api import description

pytestmark = pytest.mark.django_db

# More for whoever hunts: CONTRACT_EXAMPLES=500 make test ARGS=tests/api/test_contract.py
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "3"))


handler = ClientHandler(enforce_csrf_checks=False)


def undone(environ, start_response):
    """Answer as the product does; what a request wrote is gone with its answer."""
    with transaction.atomic():
        response = handler(environ)
        transaction.set_rollback(True)
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [response.content]


described = schemathesis.openapi.from_dict(description())
described.app = undone
# A request with a right shape may still name an account, cursor or version that is not there: 400, 412.
LEFT_OUT = [CHECKS.get_one("positive_data_acceptance")]
# Also refusals: a version that does not match, whatever else is wrong, and rows of a batch.
described.config.checks.negative_data_rejection.expected_statuses += ["412", "207"]
# Every field left out, too long, of a wrong kind: thorough, and a minute long.
described.config.phases.coverage.enabled = "CONTRACT_EXAMPLES" in os.environ
every_address = described.parametrize()


@every_address
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(case, world):
    if "id" in case.path_parameters and case.meta.generation.mode.is_positive:
        case.path_parameters["id"] = world.keys.get(case.operation.path.split("/")[3], "1")
    headers = {"Authorization": f"Bearer {world.key}", "Accept-Encoding": "identity"}
    case.call_and_validate(headers=headers, excluded_checks=LEFT_OUT)
