"""Examples for the description of the API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer

STAMPS = {
    "id": "1042",
    "created_at": "2026-11-24T09:30:00.000000Z",
    "updated_at": "2026-11-24T09:30:00.000000Z",
    "deleted_at": None,
    "version": 3,
}
ROW = STAMPS | {"external_ids": {"crm": "0015-88"}}


def sent(**fields: Any) -> Any:
    """Give a writer an example."""
    return extend_schema_serializer(examples=[OpenApiExample("Example", value=fields, request_only=True)])


def answered(**fields: Any) -> Any:
    """Give a reader of rows an example; what all rows have comes by itself."""
    return shown(**ROW, **fields)


def shown(**fields: Any) -> Any:
    """Give any reader an example."""
    return extend_schema_serializer(examples=[OpenApiExample("Example", value=fields, response_only=True)])
