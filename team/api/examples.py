"""Examples for the description of the API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer

ROW = {
    "id": "1042",
    "external_ids": {"crm": "0015-88"},
    "created_at": "2026-11-24T09:30:00.000000Z",
    "updated_at": "2026-11-24T09:30:00.000000Z",
    "deleted_at": None,
    "version": 3,
}


def sent(**fields: Any) -> Any:
    """Give a writer an example."""
    return extend_schema_serializer(examples=[OpenApiExample("Example", value=fields, request_only=True)])


def answered(**fields: Any) -> Any:
    """Give a reader of rows an example; what all rows have comes by itself."""
    return extend_schema_serializer(examples=[OpenApiExample("Example", value=ROW | fields, response_only=True)])
