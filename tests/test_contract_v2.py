"""The contract of API v2 in our words is a good OpenAPI document, and says what the published file says."""

from __future__ import annotations

from typing import Any

import msgspec
import openapi_spec_validator
import pytest

from hymio.api.v2 import rows
from hymio.api.v2.openapi import operations
from tests.contract_v2 import OBJECTS, OPERATIONS, own_document, published_document

SAID = ("type", "format", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "default", "items", "$ref")


def said(schema: dict[str, Any]) -> dict[str, Any]:
    """What a schema asks for, without its prose; the order of words says nothing."""
    kept = {name: schema[name] for name in SAID if name in schema}
    return kept | {"enum": sorted(kept["enum"])} if "enum" in kept else kept


def published() -> dict[str, Any]:
    found = published_document()
    if found is None:
        pytest.skip("the published file is not beside the checkout")
    return found


def test_it_is_an_openapi_document():
    openapi_spec_validator.validate(own_document())


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_are_as_published(name: str):
    schemas = published()["components"]["schemas"]
    assert set(schemas) == set(OBJECTS)
    ours, theirs = own_document()["components"]["schemas"][name], schemas[name]
    assert list(ours["properties"]) == list(theirs["properties"])
    assert set(ours["required"]) == set(theirs["required"])
    for each, schema in theirs["properties"].items():
        assert said(ours["properties"][each]) == said(schema), each


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_as_published(name: str):
    whole = published()
    paths = {path.strip("/").removesuffix(".{format}"): found["get"] for path, found in whole["paths"].items()}
    assert set(paths) == set(OPERATIONS)
    theirs = paths[name]
    [ours] = (
        found["get"]
        for path, found in own_document()["paths"].items()
        if path.strip("/").removesuffix(".{format}") == name
    )
    assert parameters(whole, theirs) == parameters(whole, ours)
    assert ours.get("operationId") == theirs.get("operationId")
    assert set(ours["responses"]) == set(theirs["responses"])
    assert contents(ours) == contents(theirs)


def parameters(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    listed = operation.get("parameters", [])
    found = [
        document["components"]["parameters"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        for each in listed
    ]
    return {each["name"]: (each["in"], each["required"], said(each["schema"])) for each in found}


def contents(operation: dict[str, Any]) -> dict[str, Any]:
    return {kind: said(each["schema"]) for kind, each in operation["responses"]["200"]["content"].items()}


@pytest.mark.parametrize("name", OBJECTS)
def test_the_rows_are_as_the_contract_says(name: str):
    """The very types that answers are made of, held to the contract before any answer is made."""
    content = {each.row_class.__name__: each.row_class for each in operations()} | {
        "TokenIntrospection": rows.TokenIntrospection
    }
    [schema], known = msgspec.json.schema_components([content[name]])
    ours = known[schema["$ref"].rpartition("/")[2]]
    wanted = OBJECTS[name]
    assert list(ours["properties"]) == list(wanted.properties)
    assert set(ours["required"]) == set(wanted.schema["required"])
    for each, schema in wanted.properties.items():
        got = said(flat(ours["properties"][each]))
        assert {**got, "type": "string" if "enum" in got else got.get("type")} == {**schema, **exact(schema, got)}, each


def flat(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value that may be left out."""
    first: dict[str, Any] = schema.get("anyOf", [schema])[0]
    return first


def exact(wanted: dict[str, Any], got: dict[str, Any]) -> dict[str, Any]:
    """What may differ: our keys are 64-bit integers also where the file says no more than integer."""
    allowed: dict[str, Any] = {}
    if wanted.get("type") == "integer" and "format" not in wanted and got.get("format") == "int64":
        allowed["format"] = "int64"
    if "enum" in wanted:
        allowed["enum"] = sorted(wanted["enum"])
    return allowed
