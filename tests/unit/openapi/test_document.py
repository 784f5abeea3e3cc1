"""The OpenAPI document: fresh, sound, and with examples that keep what the schemas say."""

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from openapi.generate import DOCUMENT_PATH, text
from service.errors import MEDIA_TYPE, Problem
from service.openapi_document import TAGS, operations

jsonschema: Any = importlib.import_module("jsonschema")  # has no types of its own


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document as the service makes it now."""
    made: dict[str, Any] = json.loads(text())
    return made


def nodes(value: Any, pointer: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in the document with its place."""
    if isinstance(value, dict):
        yield pointer, value
        for key, member in value.items():
            yield from nodes(member, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from nodes(member, f"{pointer}/{index}")


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A validator of the schema, whose references are those of the document."""
    return jsonschema.Draft202012Validator({"components": document["components"], **schema})


def test_the_file_is_fresh() -> None:
    assert DOCUMENT_PATH.read_text(encoding="utf-8") == text(), "stale: run `python -m openapi.generate`"


def test_head_of_the_document(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "Sagehound"
    used = {tag for _, operation in operations(document) for tag in operation["tags"]}
    assert used == {tag["name"] for tag in TAGS}


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    references = [node["$ref"] for _, node in nodes(document) if isinstance(node.get("$ref"), str)]
    assert len(references) > 50
    for reference in references:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in target, reference
            target = target[part]


def test_every_schema_is_used(document: dict[str, Any]) -> None:
    used = {node["$ref"].rsplit("/", 1)[1] for _, node in nodes(document) if isinstance(node.get("$ref"), str)}
    assert set(document["components"]["schemas"]) == used


def test_every_schema_is_a_schema(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        assert operation.get("summary"), path
        assert operation.get("description"), path
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                assert f"{{{parameter['name']}}}" in path


def test_examples_of_media_types_keep_their_schemas(document: dict[str, Any]) -> None:
    checked = 0
    for pointer, node in nodes(document):
        if "schema" not in node or not {"example", "examples"} & set(node):
            continue
        examples = node.get("examples", {})
        values = [example["value"] for example in examples.values()] if isinstance(examples, dict) else examples
        values += [node["example"]] if "example" in node else []
        for value in values:
            errors = [error.message for error in validator(document, node["schema"]).iter_errors(value)]
            assert errors == [], pointer
            checked += 1
    assert checked > 50


def test_examples_of_schemas_keep_them(document: dict[str, Any]) -> None:
    checked = 0
    for name, schema in document["components"]["schemas"].items():
        for pointer, node in nodes(schema, name):
            for value in node.get("examples", []) if isinstance(node.get("examples"), list) else []:
                errors = [error.message for error in validator(document, node).iter_errors(value)]
                assert errors == [], pointer
                checked += 1
    assert checked > 30


def test_errors_are_problems_with_an_example_each(document: dict[str, Any]) -> None:
    statuses = {problem.type_uri(): problem.status for problem in Problem.__subclasses__()}
    for path, operation in operations(document):
        assert "500" in operation["responses"], path
        for status, answer in operation["responses"].items():
            if int(status) < 400:
                continue
            assert list(answer["content"]) == [MEDIA_TYPE], (path, status)
            content = answer["content"][MEDIA_TYPE]
            assert content["schema"] == {"$ref": "#/components/schemas/ProblemDetails"}, (path, status)
            assert content["examples"], (path, status)
            for example in content["examples"].values():
                assert statuses[example["value"]["type"]] == int(status)


def test_every_success_with_content_has_an_example_or_described_members(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        successes = [answer for status, answer in operation["responses"].items() if int(status) < 300]
        assert successes, path
        for answer in successes:
            assert answer["description"] not in {"", "Successful Response"} or "content" in answer, path


@pytest.mark.parametrize("path", ["/predict", "/endpoints/{name}/predict"])
def test_predict_takes_files(document: dict[str, Any], path: str) -> None:
    content = document["paths"][path]["post"]["requestBody"]["content"]
    for media_type in ("image/jpeg", "image/png", "image/webp", "image/bmp", "image/gif", "application/octet-stream"):
        assert content[media_type]["schema"] == {"type": "string", "format": "binary"}  # a file chooser in Swagger UI
    form = content["multipart/form-data"]["schema"]
    assert form["properties"]["file"]["items"] == {"type": "string", "format": "binary"}
    assert form["required"] == ["file"]
