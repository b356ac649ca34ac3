"""Versions of rows in HTTP: ETag out, If-Match and If-None-Match in."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from team.api.problems import Problem
from team.sync import SyncRow, row_etag


def row_response(row: SyncRow, data: Any, *, status: int = 200, location: str = "") -> Response:
    """Answer one row, with its version as ETag."""
    headers = {"ETag": row_etag(row)}
    if location:
        headers["Location"] = location
    return Response(data, status=status, headers=headers)


def is_unchanged(request: Request, row: SyncRow) -> bool:
    """True when the client already has this version (If-None-Match)."""
    return _names_version(request.headers.get("If-None-Match", ""), row)


def check_precondition(request: Request, row: SyncRow | None) -> None:
    """Raise Problem 412 when If-Match or If-None-Match does not allow to write over this row.

    `row` is locked, so that the version cannot move before the write; None: there is no row yet.
    """
    expected, refused = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if expected is not None and (row is None or not _names_version(expected, row)):
        found = "it does not exist" if row is None else f"it is at version {row.row_version}"
        raise Problem(412, "version_moved", f"If-Match names another version: {found}. Read it again, then decide.")
    if refused is not None and row is not None and _names_version(refused, row):
        raise Problem(412, "exists", "If-None-Match refuses to write over what exists.")


def _names_version(header: str, row: SyncRow) -> bool:
    # A compressing proxy turns "7" into W/"7"; it is the same version of the same row.
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or row_etag(row) in tags
