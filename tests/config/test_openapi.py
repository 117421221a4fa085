"""The OpenAPI document: valid 3.1, complete, without a warning, and the same as what the views answer."""

import json
from functools import cache
from typing import Any

import pytest
from django.test import Client as Browser
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.api import caller, person, with_token

SCHEMA, DOCS = "/api/schema/", "/api/docs/"
Operation = tuple[str, str, dict[str, Any]]


@cache
def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(SchemaGenerator().get_schema(public=True), default=str))
    return made


def operations() -> list[Operation]:
    return [
        (path, method, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


def test_it_is_valid_openapi_3_1_and_nothing_had_to_be_guessed() -> None:
    GENERATOR_STATS.reset()
    made = SchemaGenerator().get_schema(public=True)
    told = {**GENERATOR_STATS._warn_cache, **GENERATOR_STATS._error_cache}
    assert not told
    validate_schema(made)
    assert made["openapi"].startswith("3.1")


def test_every_operation_has_a_name_a_summary_and_its_errors() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    for path, method, operation in operations():
        where = f"{method} {path}"
        assert operation.get("summary"), where
        if path.startswith("/api/v1/"):
            assert {"400", "401", "403", "503"} <= set(operation["responses"]), where
            for status, answer in operation["responses"].items():
                if status.startswith(("4", "5")):
                    assert list(answer["content"]) == ["application/problem+json"], where


def test_what_edits_takes_a_version_and_what_is_dangerous_a_dry_run() -> None:
    named = {operation["operationId"]: operation for _, _, operation in operations()}

    def parameters(name: str) -> set[str]:
        return {each["name"] for each in named[name]["parameters"]}

    assert {"If-Match", "slug"} <= parameters("proxies_partial_update")
    assert {"412", "428"} <= set(named["proxies_partial_update"]["responses"])
    assert {"dry_run", "Idempotency-Key"} <= parameters("proxies_undeploy")
    assert "ETag" in named["proxies_retrieve"]["responses"]["200"]["headers"]
    assert {"cursor", "page_size", "archived"} <= parameters("proxies_list")
    answers = named["proxies_undeploy"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert len(document()["components"]["schemas"][answers.rpartition("/")[2]]["oneOf"]) == 2


def fits(value: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong with a value, as the document has it."""
    whole = {**schema, "components": document()["components"]}
    return [str(fault.message) for fault in Draft202012Validator(whole).iter_errors(value)]


def test_every_request_begins_with_an_example_that_fits_its_closed_shape() -> None:
    for path, method, operation in operations():
        if "requestBody" not in operation:
            continue
        body = operation["requestBody"]["content"]["application/json"]
        shape = document()["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
        assert shape.get("additionalProperties") is False or not path.startswith("/api/v1/"), (method, path)
        assert body.get("examples"), (method, path)
        for name, shown in body["examples"].items():
            assert not fits(shown["value"], body["schema"]), (method, path, name)
            assert shown["value"] or not shape.get("properties"), (method, path, "an empty example")


def test_every_refusal_of_the_management_api_shows_what_it_looks_like() -> None:
    for path, method, operation in operations():
        if not path.startswith("/api/v1/"):
            continue
        for status, answer in operation["responses"].items():
            if status.startswith(("4", "5")):
                told = answer["content"]["application/problem+json"]
                (shown,) = told["examples"].values()
                assert shown["value"]["status"] == int(status), (method, path)
                assert not fits(shown["value"], told["schema"]), (method, path, status)


def test_r42_the_document_and_its_page_are_for_who_may_log_in(db: None, settings: Any) -> None:
    for path in (SCHEMA, f"{SCHEMA}?format=json"):
        assert Browser().get(path).status_code == 401
    page = Browser().get(DOCS)
    assert (page.status_code, page.headers["Location"]) == (302, f"/admin/login/?next={DOCS}")
    assert caller().get(SCHEMA).status_code == 200
    assert with_token(person(name="bob"), "read").get(SCHEMA).status_code == 200
    settings.API_DOCS_PUBLIC = True
    assert Browser().get(SCHEMA).status_code == 200
    assert Browser().get(DOCS).status_code == 200


@pytest.mark.parametrize("query", ["", "?format=json"])
def test_it_is_served_as_yaml_or_json(db: None, query: str) -> None:
    answer = caller().get(f"{SCHEMA}{query}")
    assert ("json" if query else "vnd.oai.openapi") in answer.headers["Content-Type"]
    assert b"/api/v1/proxies/{slug}/undeploy/" in answer.content
