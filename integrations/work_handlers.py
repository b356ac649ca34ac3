"""The work that this room does by itself."""

from integrations.imports import uploads
from team import work


@work.handler(uploads.KIND, lease_seconds=uploads.LEASE_SECONDS, atomic=False)
def import_upload(payload: work.Payload) -> None:
    uploads.carry_out(payload["run_id"])
