"""What no client would send, at every address of the API: a 4xx at once, nothing written (B50, B51, I25, R34).

The addresses come from the URL map and the fields from the OpenAPI document, so whatever is new is in it by itself.
"""

import json
import re
import time
from typing import Any

import pytest
from django.urls import get_resolver
from rest_framework.test import APIClient

from credentials import personal_tokens
from proxies.models import ChangeRecord
from tests.api import logged_in, person, problem, signed_in
from tests.config.test_openapi import document
from tests.credentials.connections import opened
from tests.tokens.api.test_permissions import ACTIONS, addresses, name_of
from tokens.models import TokenRequestLog

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
QUICK_SECONDS = 1.0
JSON = "application/json"
NUMBERS = ("1e999999", "NaN", "-1", "1" * 40, "٣", "0x10")
TEXTS = ("\x00", "a\x00b", "x" * 5_000)
MOMENTS = ("yesterday", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "\x00")
IDS = (
    "0",
    "999999",
    "9" * 18,
    "9" * 30,
    "-1",
    "1e9",
    "NaN",
    "%00",
    "a%00b",
    "..%2F..",
    "%27%20OR%201=1",
    "%F0%9F%94%91",
)
BAD_UUIDS = ("00000000-0000-0000-0000-00000000000g", "00000000", "{00000000-0000-0000-0000-000000000000}")
BODIES = {
    "no number": b'{"name": NaN, "id": 1}',
    "infinite": b'{"name": 1e999999}',
    "minus infinite": b'{"name": -Infinity}',
    "a list": b"[]",
    "null": b"null",
    "a text": b'"x"',
    "a name twice": b'{"name": "a", "name": "b"}',
    "cut off": b'{"name": "a',
    "no UTF-8": b'{"name": "\xff"}',
    "a surrogate": b'{"name\\ud800": "a"}',
    "a surrogate as a value": b'{"name": "\\udfff", "confirm": "\\ud800"}',
    "deep": b'{"name": ' + b"[" * 6_000 + b"]" * 6_000 + b"}",
    "large": b'{"name": "' + b"x" * 300_000 + b'"}',
    "nothing": b"",
}
# Columns that nobody sets by a request, whatever the thing is.
NOBODYS = (
    "id", "pk", "created_at", "generation", "key_generation", "is_superuser", "digest", "token_hash", "sealed_key",
    "revoked_at", "last_used_at", "owner_id", "__class__", "constructor",
)  # fmt: skip
WRITING = [action for action in ACTIONS if action[0] != "get"]
READING = [action for action in ACTIONS if action[0] == "get"]


def traces() -> tuple[int, int]:
    return ChangeRecord.objects.count(), TokenRequestLog.objects.count()


@pytest.fixture
def root(world: Any) -> APIClient:
    return signed_in(person(name="root", is_superuser=True))


def ask(client: APIClient, method: str, path: str, **more: Any) -> Any:
    began = time.process_time()  # this process's own work: others on the machine may be busy
    answer = getattr(client, method)(path, **more)
    took = time.process_time() - began
    assert answer.status_code < 500, (method, path[:200], more)
    assert took < QUICK_SECONDS, (method, path[:200], took)
    return answer


def operations(*, body: bool = False) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, address that names nothing that exists, and what the document says, of the management API."""
    return [
        (method, re.sub(r"\{\w+\}", "999999", path), told)
        for path, methods in document()["paths"].items()
        for method, told in methods.items()
        if path.startswith("/api/v1/") and (not body or "requestBody" in told)
    ]


def fields_of(operation: dict[str, Any]) -> dict[str, Any]:
    reference = operation["requestBody"]["content"][JSON]["schema"]["$ref"]
    shape: dict[str, Any] = document()["components"]["schemas"][reference.rpartition("/")[2]]
    assert shape["additionalProperties"] is False, reference
    return dict(shape.get("properties", {}))


@pytest.mark.parametrize("kind", BODIES)
def test_b50_a_body_that_is_no_small_json_object_is_refused_everywhere(root: APIClient, kind: str) -> None:
    before = traces()
    for method, path, _, action in WRITING:
        answer = ask(root, method, path, data=BODIES[kind], content_type=JSON)
        takes_nothing = kind == "nothing" and answer.status_code < 300
        assert takes_nothing or 400 <= answer.status_code < 500, (action, path, kind)
    assert traces() == before


def test_r34_nobody_sets_a_column_that_a_request_does_not_name(root: APIClient) -> None:
    """Mass assignment: each field that is not in the shape of the request is named in the refusal."""
    before = traces()
    tried = 0
    for method, path, told in operations(body=True):
        for name in NOBODYS:
            if name in fields_of(told):
                continue
            answer = ask(root, method, path, data={name: 1})
            if answer.status_code != 404:  # the thing is looked for first where what it may be depends on it
                assert problem(answer) == (400, "invalid"), (path, name)
                assert name in answer.json()["errors"], (path, name)
            tried += 1
    assert tried > 700
    assert traces() == before


def test_b50_every_field_refuses_what_it_cannot_be(root: APIClient) -> None:
    before = traces()
    wrong: tuple[Any, ...] = (
        "\x00",
        "a\x00b",
        "x" * 12_000,
        10**400,
        -(10**30),
        1.5,
        [],
        [[]],
        {},
        {"a": {}},
        None,
        True,
    )
    for method, path, told in operations(body=True):
        for name in fields_of(told):
            for value in wrong:
                answer = ask(root, method, path, data=json.dumps({name: value}), content_type=JSON)
                # Whatever is asked about, explaining is an answer.
                assert answer.status_code >= 400 or path.endswith("/explain/"), (path, name, value)
    assert traces() == before


def test_b51_every_filter_refuses_numbers_without_end_and_control_characters(root: APIClient) -> None:
    filters = 0
    for _, path, view, action in READING:
        if action not in ("list", "csv", "json_lines", "requests", "live"):
            continue
        filterset: Any = getattr(view, "filterset_class", None)
        known = dict(filterset.base_filters) if filterset else {}
        for name in (*known, "cursor", "page_size"):
            for value in (*NUMBERS, *TEXTS, *MOMENTS, *BAD_UUIDS):
                answer = ask(root, "get", path, data={name: value})
                assert answer.status_code in (200, 400), (path, name, value)
                if "\x00" in value:
                    assert problem(answer) == (400, "invalid"), (path, name, value)
            filters += 1
    assert filters > 150


def test_i25_a_page_of_a_billion_rows_is_refused_by_every_list(root: APIClient) -> None:
    lists = [path for _, path, view, action in READING if action == "list" and view.pagination_class is not None]
    assert len(lists) > 15
    for path in lists:
        for size in ("1000000000", "201", "0", "-1", "1e9"):
            assert problem(ask(root, "get", path, data={"page_size": size})) == (400, "invalid"), path
        assert problem(ask(root, "get", path, data={"colour": "red"})) == (400, "invalid"), path


def test_r34_an_id_that_cannot_be_is_not_found_at_every_address(root: APIClient) -> None:
    before = traces()
    for method, path, _, action in ACTIONS:
        for place in re.finditer(r"/(999999|none)(?=/)", path):
            for wrong in (*IDS, *BAD_UUIDS):
                address = f"{path[: place.start() + 1]}{wrong}{path[place.end() :]}"
                answer = ask(root, method, address, **({} if method == "get" else {"data": {}}))
                assert 400 <= answer.status_code < 500, (action, address)
    assert traces() == before


def test_b53_a_thing_of_another_thing_is_not_found(root: APIClient, world: Any) -> None:
    mine, other = (
        opened(name="mine", environment=world.test).token.configuration,
        opened(name="other", environment=world.test),
    )
    token = other.token
    secret = world.credentials["billing"].secrets.get()
    addresses_of_others = [
        *(f"/api/v1/connections/{mine.pk}/tokens/{token.pk}/{act}/" for act in ("revoke", "replace", "reveal")),
        f"/api/v1/credentials/{world.credentials['orders'].pk}/secrets/{secret.pk}/retire/",
    ]
    before = traces()
    for path in addresses_of_others:
        assert problem(ask(root, "post", path, data={})) == (404, "not_found"), path
    assert traces() == before


def test_s3_12_a_session_or_token_of_somebody_else_is_not_found(world: Any) -> None:
    made = personal_tokens.make(person(name="bob"), name="x", scopes=["read"], by="bob").token
    ada = signed_in(person(name="ada"))
    assert problem(ask(ada, "get", f"/api/v1/personal-tokens/{made.pk}/")) == (404, "not_found")
    assert problem(ask(ada, "post", f"/api/v1/personal-tokens/{made.pk}/revoke/", data={})) == (404, "not_found")


@pytest.mark.parametrize("kind", BODIES)
def test_b50_the_doors_of_the_login_and_of_gateways_refuse_them_too(world: Any, kind: str) -> None:
    person(name="root", is_superuser=True)
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {logged_in('root', 'x')}")
    paths = [f"/{route}" for route, _ in addresses(get_resolver().url_patterns) if route.startswith("api/auth/")]
    assert len(paths) == 7
    for path in (*(each for each in paths if "<" not in each), "/connect/heartbeat"):
        answer = ask(client, "post", path, data=BODIES[kind], content_type=JSON)
        assert 400 <= answer.status_code < 500 or path.endswith("end-others"), path
    for wrong in IDS:
        assert ask(client, "delete", f"/api/auth/sessions/{wrong}").status_code in (301, 400, 404), wrong


def test_there_is_more_than_one_action_for_each_of_these() -> None:
    assert len(WRITING) > 60
    assert len(READING) > 35
    assert len({name_of(action) for action in ACTIONS}) == len(ACTIONS)
