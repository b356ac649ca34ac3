"""The OpenAPI description of every resource, from its serializers and one table of what actions do."""

from dataclasses import dataclass
from typing import Any

from drf_spectacular.drainage import get_override
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from team.api.fields import StrictSerializer
from team.api.problems import PROBLEM_TYPE


@dataclass(frozen=True)
class Action:
    """What one action of a resource is called and says; {one} and {many} stand for the resource's words."""

    name: str
    summary: str
    text: str
    success: tuple[int, ...]
    errors: tuple[int, ...]


READ_ERRORS = (401, 403, 406, 429, 500, 503)
WRITE_ERRORS = (400, *READ_ERRORS[:3], 409, 413, 415, 422, *READ_ERRORS[3:])

ACTIONS = {
    "list": Action(
        "list_{many}",
        "List {many}",
        "Pages in the order of their last change. Keep `position` and read from there to follow what changes.",
        (200,),
        (400, *READ_ERRORS),
    ),
    "retrieve": Action("get_{one}", "Read {a_one}", "", (200, 304), (400, *READ_ERRORS, 404)),
    "create": Action(
        "create_{one}",
        "Create {a_one}",
        "Answers the new row. Systems with ids of their own do better to upsert.",
        (201,),
        WRITE_ERRORS,
    ),
    "partial_update": Action(
        "update_{one}",
        "Change {a_one}",
        "Fields left out stay as they are; null clears.",
        (200,),
        (*WRITE_ERRORS, 404, 412),
    ),
    "destroy": Action(
        "delete_{one}",
        "Delete {a_one}",
        "Leaves a tombstone: lists show it with `include_deleted=true`.",
        (204,),
        (400, *READ_ERRORS, 404, 409, 412, 422),
    ),
    "publish": Action(
        "publish_{one}",
        "Publish {a_one}",
        "Answers the new version. Everybody is scored again; changed bands trigger nothing.",
        (200,),
        (*WRITE_ERRORS, 404),
    ),
    "roll_back": Action(
        "roll_back_{one}",
        "Roll {a_one} back",
        "Publishes what an earlier version says as the next one, and answers that.",
        (200,),
        (*WRITE_ERRORS, 404),
    ),
    "by_external_id": Action(
        "get_{one}_by_external_id",
        "Read {a_one} by external id",
        "",
        (200, 304),
        (400, *READ_ERRORS, 404),
    ),
    "upsert_by_external_id": Action(
        "upsert_{one}",
        "Create or change {a_one} by external id",
        "Creates the row that the other system calls so (201), or changes the fields given (200). May be sent"
        " again without harm. A deleted row comes back.",
        (200, 201),
        (*WRITE_ERRORS, 404, 412),
    ),
    "batch_upsert": Action(
        "upsert_{many}",
        "Create or change many {many}",
        "Up to 1,000 rows; each stands or falls alone and has its result, in order. 200: all written, 207: some"
        " refused. With `atomic` one refused row refuses all (400).",
        (200, 207),
        WRITE_ERRORS,
    ),
}

ERRORS = {
    400: ("Invalid", "Something in the request cannot be taken; `errors` names each thing."),
    401: ("NotAuthenticated", "No key, or one that is unknown, expired or revoked."),
    403: ("NotAllowed", "The key lacks the scope, or the person may only read."),
    404: ("NotFound", "Nothing there, or nothing the caller may see."),
    406: ("NotAcceptable", "Only application/json can be had."),
    409: ("Conflict", "Another request changes the same, or has the same Idempotency-Key, right now."),
    412: ("VersionMoved", "If-Match names another version than there is."),
    413: ("TooLarge", "The body has too many bytes."),
    415: ("UnsupportedMediaType", "Bodies must be application/json."),
    422: ("KeyReused", "The Idempotency-Key was used for a different request."),
    429: ("TooManyRequests", "Wait for the seconds of Retry-After."),
    500: ("ServerError", "A failure of ours; it has been logged."),
    503: ("Unavailable", "The database is busy or away; nothing was changed."),
}
STATUSES = {
    200: "Done.",
    201: "Created.",
    204: "Deleted.",
    207: "Some rows were refused: see results.",
    304: "Not changed since the version of If-None-Match.",
}
HEADERS = {
    "ETag": "The row's version.",
    "Location": "Address of the new row.",
    "Link": 'The next page, rel="next".',
    "RateLimit-Policy": 'Requests per window: "default";q=600;w=60.',
    "RateLimit": 'What is left of the window: "default";r=598;t=41.',
    "Retry-After": "Seconds to wait.",
    "Idempotency-Replayed": "true when this is the kept answer of an earlier request.",
}
WRITES = {"create", "partial_update", "destroy", "upsert_by_external_id", "batch_upsert", "publish", "roll_back"}
VERSIONED = {"partial_update", "destroy", "upsert_by_external_id"}
READS_ONE = {"retrieve", "by_external_id"}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21\\x23-\\x7e]+$"},
    OpenApiParameter.HEADER,
    description="A random text of yours: the same request with the same key takes effect once, for 7 days.",
)
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="Only if the row still has this ETag; else 412."
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="An ETag you have: 304 when it is still that."
)
PATH_PARAMETERS = {
    "id": OpenApiParameter(
        "id", {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"}, OpenApiParameter.PATH, description="Our id."
    ),
    "system": OpenApiParameter(
        "system",
        {"type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[^/]+$"},
        OpenApiParameter.PATH,
        description="Your name for the other system, like crm.",
    ),
    "external_id": OpenApiParameter(
        "external_id",
        {"type": "string", "minLength": 1, "maxLength": 255},
        OpenApiParameter.PATH,
        description="The id over there, percent-encoded; slashes may stay.",
    ),
}


class ErrorReader(serializers.Serializer):
    pointer = serializers.CharField(required=False, help_text="Where in the body, like #/name.")
    parameter = serializers.CharField(required=False, allow_blank=True, help_text="Which parameter of the address.")
    code = serializers.CharField(help_text="For programs.")
    message = serializers.CharField(help_text="For people.")


class ProblemReader(serializers.Serializer):
    """What went wrong (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="For programs; see the errors of each address.")
    detail = serializers.CharField(help_text="For people: what is wrong and how to mend it.")
    instance = serializers.CharField(required=False)
    errors = ErrorReader(many=True)  # type: ignore[assignment]


class ApiSchema(AutoSchema):
    """Names, words, headers and errors by action; views may say more with extend_schema."""

    view: Any

    def get_operation_id(self) -> str:
        action = self._action()
        return self._worded(action.name).replace("-", "_").replace(" ", "_") if action else self.view.action

    def get_summary(self) -> str | None:
        action = self._action()
        return self._worded(action.summary).replace("-", " ") if action else None

    def get_description(self) -> str:  # type: ignore[override]
        action = self._action()
        own: str = super().get_description()
        text = " ".join(filter(None, [action.text if action else own, self._scope_words()]))
        return text.strip()

    def get_tags(self) -> list[str]:
        tokens = self._tokenize_path()
        return [getattr(self.view, "tag", "") or (tokens[0].replace("-", " ").capitalize() if tokens else "About")]

    def get_override_parameters(self) -> list[Any]:
        action = self.view.action
        query = self.view.query_class()
        parameters: list[Any] = [query] if query().fields else []
        parameters += [each for name, each in PATH_PARAMETERS.items() if f"{{{name}}}" in self.path]
        parameters += [IDEMPOTENCY_KEY] if action in WRITES else []
        parameters += [IF_MATCH] if action in VERSIONED and hasattr(self.view, "model") else []
        parameters += [IF_NONE_MATCH] if action in READS_ONE and hasattr(self.view, "model") else []
        return parameters

    def get_request_serializer(self) -> Any:
        if self.view.action == "batch_upsert":
            return {"application/json": self._batch()}
        writer = getattr(self.view, "writers", {}).get(self.view.action) or getattr(self.view, "writer", None)
        if writer is None:
            return None
        return writer(partial=self.view.action == "upsert_by_external_id")

    def get_response_serializers(self) -> Any:
        return self.view.batch_reader if self.view.action == "batch_upsert" else super().get_response_serializers()

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        action = self._action()
        statuses, errors = (action.success, action.errors) if action else ((200,), (400, *READ_ERRORS))
        if not hasattr(self.view, "model"):
            statuses = tuple(status for status in statuses if status != 304)
        if not action and "{" in self.path:
            errors = (*errors, 404)
        self.resolve_serializer(ProblemReader, "response")
        responses = {str(status): self._success(status) for status in statuses}
        return responses | {str(status): {"$ref": f"#/components/responses/{ERRORS[status][0]}"} for status in errors}

    def _success(self, status: int) -> dict[str, Any]:
        if status in {204, 304}:
            return {"description": STATUSES[status], "headers": _headers("RateLimit-Policy", "RateLimit")}
        response: dict[str, Any] = self._get_response_for_code(self.get_response_serializers(), str(status))
        names = ["RateLimit-Policy", "RateLimit"]
        names += ["Link"] if self.view.action == "list" else []
        names += ["Idempotency-Replayed"] if self.view.action in WRITES else []
        names += ["ETag"] if hasattr(self.view, "model") and self.view.action not in {"list", "batch_upsert"} else []
        names += ["Location"] if status == 201 else []
        return {**response, "description": STATUSES[status], "headers": _headers(*names)}

    def _get_serializer_name(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> str:  # noqa: FBT001, FBT002 -- AutoSchema's own
        name: str = super()._get_serializer_name(serializer, direction, bypass_extensions)
        if name.startswith("Patched"):
            return name.removeprefix("Patched").removesuffix("Writer") + "Patch"
        if name.endswith("Writer"):
            return name.removesuffix("Writer") + "Write"
        return name.removesuffix("Reader")

    def get_paginated_name(self, serializer_name: str) -> str:
        return f"{serializer_name}Page"

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        return schema

    def _batch(self) -> dict[str, Any]:
        fields = self.resolve_serializer(self.view.writer(partial=True), "request").ref
        row = {
            "type": "object",
            "additionalProperties": False,
            "required": ["system", "external_id", "fields"],
            "properties": {
                "system": {"type": "string", "minLength": 1, "maxLength": 60},
                "external_id": {"type": "string", "minLength": 1, "maxLength": 255},
                "fields": fields,
                "trace_id": {"type": ["string", "null"], "maxLength": 100, "description": "Comes back in the result."},
            },
        }
        example = get_override(self.view.writer, "examples", [])
        inputs = [{"system": "crm", "external_id": "0015-88", "fields": each.value} for each in example]
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["inputs"],
            "examples": [{"inputs": inputs}],
            "properties": {
                "inputs": {"type": "array", "minItems": 1, "maxItems": 1000, "items": row},
                "atomic": {"type": "boolean", "default": False, "description": "All or none."},
            },
        }

    def _action(self) -> Action | None:
        known = ACTIONS.get(self.view.action or "")
        return known if hasattr(self.view, "reader") else None

    def _worded(self, text: str) -> str:
        one = str(self.view.basename).removeprefix("api-")
        article = "an" if one[0] in "aeiou" else "a"
        return text.format(one=one, many=self._tokenize_path()[0], a_one=f"{article} {one}")

    def _scope_words(self) -> str:
        if self.view.scope is None:
            return ""
        if self.method == "GET":
            return f"Scope `{self.view.scope}:read`."
        return f"Scope `{self.view.write_scope or self.view.scope}:write`."


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "team.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A key from Settings → API keys: cs_live_…"}


def add_shared_parts(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Add the responses and headers that operations refer to (a hook of drf-spectacular)."""
    problem = {"$ref": "#/components/schemas/Problem"}
    result["components"]["responses"] = {
        name: {
            "description": words,
            "content": {PROBLEM_TYPE: {"schema": problem}},
            **({"headers": _headers("Retry-After")} if status in {429, 503} else {}),
        }
        for status, (name, words) in ERRORS.items()
    }
    result["components"]["headers"] = {
        name: {"description": words, "schema": {"type": "string"}} for name, words in HEADERS.items()
    }
    _drop_hints(result)
    return result


def _drop_hints(part: Any) -> None:
    """Take out what only drf-spectacular's own hooks read."""
    if isinstance(part, dict):
        part.pop("x-spec-enum-id", None)
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _drop_hints(each)


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
