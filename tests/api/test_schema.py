"""The description of the API: current, complete, and readable as a page."""

import json
from pathlib import Path

import pytest
import yaml

from cs_platform.api import description, schema_text
from cs_platform.pages.api_docs import groups

COMMITTED = Path(__file__).resolve().parent.parent.parent / "docs/openapi.yaml"
METHODS = {"get", "post", "put", "patch", "delete"}


def operations():
    return [
        (path, method, each)
        for path, methods in description()["paths"].items()
        for method, each in methods.items()
        if method in METHODS
    ]


def test_committed_description_is_current():
    assert COMMITTED.read_text() == schema_text(), "Run: python manage.py spectacular --file docs/openapi.yaml"


def test_operation_ids_are_unique():
    names = [each["operationId"] for _, _, each in operations()]
    assert sorted(names) == sorted(set(names))


def test_every_operation_documents_its_errors_with_the_one_shape():
    shared = description()["components"]["responses"]
    assert {json.dumps(each["content"]) for each in shared.values()} == {
        json.dumps({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}})
    }
    for path, method, each in operations():
        errors = {status for status in each["responses"] if status >= "400"}
        assert errors >= {"400", "401", "403", "406", "429", "500", "503"}, (path, method)
        if "{id}" in path:
            assert "404" in errors, (path, method)
        if method in {"post", "patch", "put"}:
            assert errors >= {"409", "413", "415", "422"}, (path, method)
            assert "application/json" in each["requestBody"]["content"], (path, method)


def test_bodies_refuse_unknown_fields_and_have_examples():
    for path, method, each in operations():
        if "requestBody" not in each:
            continue
        media = each["requestBody"]["content"]["application/json"]
        schema = media["schema"]
        if "$ref" in schema:
            schema = description()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        assert schema["additionalProperties"] is False, (path, method)
        assert media.get("examples") or schema.get("examples"), (path, method)


@pytest.mark.django_db
def test_schema_needs_no_key_and_comes_as_json_and_yaml(client):
    response = client.get("/api/v1/schema")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json()["openapi"] == "3.1.0"
    assert yaml.safe_load(client.get("/api/v1/schema.yaml").content) == response.json()


@pytest.mark.django_db
def test_docs_pages_show_every_operation_without_inline_code(client, person):
    for reader in (client, person()):
        start = reader.get("/api/docs").content.decode()
        pages = {group.slug: reader.get(f"/api/docs/{group.slug}").content.decode() for group in groups()}
        for group in groups():
            for operation in group.operations:
                assert f'href="/api/docs/{group.slug}#{operation.id}"' in start
                assert f'id="{operation.id}"' in pages[group.slug]
                assert operation.path in start
                assert operation.path in pages[group.slug]
        for page in (start, *pages.values()):
            assert "<script>" not in page
            assert " style=" not in page


@pytest.mark.django_db
def test_docs_of_a_resource_that_is_not_there(client):
    assert client.get("/api/docs/nothing").status_code == 404


def test_docs_page_has_a_curl_line_with_a_body_for_every_write():
    shown = [operation for group in groups() for operation in group.operations]
    assert len(shown) == len(operations())
    for operation in shown:
        assert operation.curl.startswith("curl ")
        assert "{" not in operation.curl.split("\n")[0]
        assert bool(operation.sent) == (operation.method in {"POST", "PUT", "PATCH"}), operation.id
