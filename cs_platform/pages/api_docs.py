"""The API for people: every operation of the OpenAPI description with its fields and a curl line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from cs_platform.api import description

# In the order in which an integrator needs them.
TAGS = ["About", "Accounts", "Contacts", "Subscriptions", "Activities", "Tickets", "Survey responses", "Health scores"]
ORDER = ["root", "whoami", "list_", "upsert_", "get_", "create_", "update_", "delete_"]
VERBS = {"GET": "verb-get", "POST": "verb-post", "PUT": "verb-put", "PATCH": "verb-patch", "DELETE": "verb-delete"}
PATH_EXAMPLES = {"{id}": "1042", "{system}": "crm", "{external_id}": "0015-88"}


@dataclass(frozen=True)
class Field:
    """One field of a body, or one parameter of an address. `type` is in words."""

    name: str
    type: str
    is_required: bool
    words: str


@dataclass(frozen=True)
class Answer:
    status: int
    phrase: str
    words: str


@dataclass(frozen=True)
class Operation:
    """`sent` and `answered` are example bodies, empty where there is none."""

    id: str
    method: str
    css: str
    path: str
    summary: str
    text: str
    parameters: list[Field]
    fields: list[Field]
    sent: str
    answered_fields: list[Field]
    answered: str
    answers: list[Answer]

    @property
    def curl(self) -> str:
        path = self.path
        for name, value in PATH_EXAMPLES.items():
            path = path.replace(name, value)
        lines = [f"curl {'' if self.method == 'GET' else f'-X {self.method} '}{settings.PUBLIC_URL}{path}"]
        lines.append('  -H "Authorization: Bearer $API_KEY"')
        if self.sent:
            lines += ['  -H "Content-Type: application/json"', f"  -d '{self.sent}'"]
        return " \\\n".join(lines)


@dataclass(frozen=True)
class Group:
    title: str
    slug: str
    operations: list[Operation]


@login_not_required
def api_docs(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Show how to start and what there is, or with `slug` the operations of one resource.

    To anybody: it says nothing that the source code does not.
    """
    group = next((group for group in groups() if group.slug == slug), None)
    if slug and group is None:
        msg = "The API has no such resource."
        raise Http404(msg)
    context = {
        "group": group,
        "groups": groups(),
        "layout": "base.html" if request.user.is_authenticated else "base_plain.html",
        "limit": settings.API_REQUESTS_PER_MINUTE,
        "start": f'curl {settings.PUBLIC_URL}/api/v1/whoami -H "Authorization: Bearer $API_KEY"',
    }
    return render(request, "pages/api_docs.html", context)


@cache
def groups() -> list[Group]:
    """Return the operations by tag, in reading order."""
    reader = _Reader(description())
    found: dict[str, list[Operation]] = {tag: [] for tag in TAGS}
    for tag, operation in reader.operations():
        found.setdefault(tag, []).append(operation)
    return [
        Group(tag, tag.lower().replace(" ", "-"), sorted(operations, key=_place))
        for tag, operations in found.items()
        if operations
    ]


def _place(operation: Operation) -> tuple[int, str]:
    starts = [place for place, start in enumerate(ORDER) if operation.id.startswith(start)]
    return (starts[0] if starts else len(ORDER), operation.path)


class _Reader:
    """Reads the parts of one OpenAPI description."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def operations(self) -> Iterator[tuple[str, Operation]]:
        for path, methods in self.document["paths"].items():
            for method, each in methods.items():
                yield each["tags"][0], self._operation(path, method.upper(), each)

    def _operation(self, path: str, method: str, each: dict[str, Any]) -> Operation:
        body = self._json(each.get("requestBody", {}))
        statuses = {int(status): self._found(response) for status, response in each["responses"].items()}
        answered = self._json(statuses[min(statuses)])
        return Operation(
            id=each["operationId"],
            method=method,
            css=VERBS[method],
            path=path,
            summary=each.get("summary", ""),
            text=each.get("description", ""),
            parameters=[
                Field(p["name"], self._type(p["schema"]), p.get("required", False), p.get("description", ""))
                for p in each.get("parameters", [])
            ],
            fields=self._fields(body.get("schema", {})),
            sent=_example(body),
            answered_fields=self._fields(answered.get("schema", {})),
            answered=_example(answered),
            answers=[
                Answer(status, HTTPStatus(status).phrase, response["description"])
                for status, response in sorted(statuses.items())
            ],
        )

    def _found(self, part: dict[str, Any]) -> dict[str, Any]:
        """Return a part, or the one its $ref names."""
        if "$ref" not in part:
            return part
        found: Any = self.document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return dict(found)

    def _json(self, part: dict[str, Any]) -> dict[str, Any]:
        media: dict[str, Any] = part.get("content", {}).get("application/json", {})
        return media

    def _fields(self, schema: dict[str, Any]) -> list[Field]:
        schema = self._found(schema)
        if set(schema.get("properties", {})) >= {"data", "next"}:  # a page: say what its rows hold
            schema = self._found(schema["properties"]["data"]["items"])
        required = schema.get("required", [])
        return [
            Field(name, self._type(each), name in required, self._words(each))
            for name, each in schema.get("properties", {}).items()
        ]

    def _words(self, schema: dict[str, Any]) -> str:
        words: str = schema.get("description", "")
        return words

    def _type(self, schema: dict[str, Any]) -> str:
        """Return a schema's type in words: "text or null", "one of open, closed", "list of Membership"."""
        if "$ref" in schema:
            return str(schema["$ref"].rsplit("/", 1)[1])
        for key in ("oneOf", "anyOf", "allOf"):
            if key in schema:
                return " or ".join(self._type(each) for each in schema[key])
        kinds = schema.get("type", "any")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        return " or ".join(self._kind(kind, schema) for kind in kinds)

    def _kind(self, kind: str, schema: dict[str, Any]) -> str:
        if kind == "array":
            return f"list of {self._type(schema['items'])}"
        if "enum" in schema and kind != "null":
            return "one of " + ", ".join(str(value) for value in schema["enum"] if value is not None)
        if kind == "string" and "format" in schema:
            name = str(schema["format"])
            return {"date-time": "moment", "uri": "address"}.get(name, name)
        return {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(kind, kind)


def _example(media: dict[str, Any]) -> str:
    """Return the example of a body as indented JSON."""
    examples = list(media.get("examples", {}).values())
    if examples:
        value = examples[0]["value"]
    elif media.get("schema", {}).get("examples"):
        value = media["schema"]["examples"][0]
    else:
        return ""
    return json.dumps(value, indent=2, ensure_ascii=False)
