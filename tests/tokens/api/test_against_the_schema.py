"""Schemathesis: whatever a request looks like, the answer is one that the OpenAPI document tells of, and never a 5xx.

Generated requests, the half of them about things that exist; the same ones each time.
"""

import json
from functools import cache
from typing import Any

import pytest
import requests
import schemathesis
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from credentials import personal_tokens, rotation
from proxies.api_scopes import SCOPES
from tests.api import issued, logged_in, person
from tests.tokens.api.test_permissions import ACTIONS, name_of
from tests.world import REQUEST, later
from tokens import legacy, lifecycle
from tokens.models import IssuedToken, JwtRefreshKey, SigningKey, TokenFamily, TokenPolicy, TokenRequestLog

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.timeout(300)]
EXAMPLES = 30
HERE = "http://testserver"
CLIENT = Client(raise_request_exception=False)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# By the first segment under /api/, or under /api/v1/; what is new there is in it by itself.
THINGS = sorted({name_of(action).split()[0] for action in ACTIONS} | {"auth", "heartbeat"})


@cache
def schema() -> Any:
    document = json.loads(json.dumps(SchemaGenerator().get_schema(public=True), default=str))
    document.pop("security", None)
    return schemathesis.openapi.from_dict(document, config=SchemathesisConfig(seed=8))


def operations() -> list[Any]:
    return [each.ok() for each in schema().get_all_operations()]


def thing_of(operation: Any) -> str:
    parts = operation.path.strip("/").split("/")
    return parts[2] if parts[:2] == ["api", "v1"] else parts[1]


@pytest.fixture
def existing(world: Any) -> dict[str, dict[str, Any]]:
    """What exists, by the name of the parameter or field that names it; by the thing where they differ."""
    root = person(name="root", is_superuser=True)
    issued(world.key_of(world.orders))
    lifecycle.mint(root, audience="x", lifetime=3600, request=REQUEST)
    edge = rotation.open_connection(name="edge", deployment_type="kubernetes", environment=world.test, by="root").token
    made = personal_tokens.make(root, name="test", scopes=SCOPES, by="root")
    legacy.register_checksum(name="old", environment=world.test, ends_at=later(10**9), by="root")
    ids = {
        "credentials": world.credentials["orders"].pk,
        "connections": edge.configuration_id,
        "families": TokenFamily.objects.earliest("id").pk,
        "personal-tokens": made.token.pk,
        "policies": TokenPolicy.objects.earliest("id").pk,
        "request-log": TokenRequestLog.objects.earliest("id").pk,
        "users": root.pk,
    }
    return {
        "bearer": {"Authorization": f"Bearer {made.raw}"},
        "login": {"Authorization": f"Bearer {logged_in('root', 'x')}"},
        "ids": ids,
        "names": {
            "slug": "orders",
            "proxy": "orders",
            "group": "commerce",
            "environment": "test",
            "credential": world.credentials["orders"].client_id,
            "user": "root",
            "token": edge.pk,
            "secret": world.credentials["orders"].secrets.get().pk,
            "kid": SigningKey.objects.earliest("id").kid,
            "jti": IssuedToken.objects.earliest("id").jti,
        },
        "by_thing": {
            "groups": {"slug": "commerce", "confirm": "Commerce"},
            "proxies": {"confirm": "Orders"},
            "environments": {"slug": "test", "confirm": "Test"},
            "legacy-verifiers": {"name": "old", "confirm": "old"},
            "refresh-keys": {"jti": JwtRefreshKey.objects.latest("id").jti},
            "explain": {"token": "lk_at_x"},
        },
    }


def answered(case: Any, headers: dict[str, str]) -> schemathesis.Response:
    """What the views answer, asked in this process and in the test's transaction."""
    wanted = requests.Request(**case.as_transport_kwargs(base_url=HERE, headers=headers)).prepare()
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in wanted.headers.items()}
    kind = wanted.headers.get("Content-Type", "")
    body = wanted.body or b""
    found = CLIENT.generic(wanted.method, wanted.path_url, body, content_type=kind, **environ)
    return schemathesis.Response(
        status_code=found.status_code,
        headers={name: [value] for name, value in found.headers.items()},
        content=b"".join(found) if found.streaming else found.content,
        request=wanted,
        elapsed=0.0,
        verify=False,
    )


def cases(operation: Any) -> st.SearchStrategy[Any]:
    """Requests as the document wants them; and where it wants anything, others that break its word."""
    fitting = operation.as_strategy()
    if not (operation.body or operation.query or operation.path_parameters):
        return fitting
    return fitting | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)


def about_what_exists(case: Any, existing: dict[str, Any], thing: str) -> None:
    """Puts the names of things that exist in place of those that were made up."""
    known = existing["names"] | existing["by_thing"].get(thing, {}) | {"id": existing["ids"].get(thing, 1)}
    for given_values in (case.path_parameters, case.query, case.body):
        if isinstance(given_values, dict):
            given_values.update({name: known[name] for name in given_values if name in known})


@pytest.mark.parametrize("thing", THINGS)
def test_every_answer_is_one_that_the_document_tells_of(thing: str, existing: dict[str, Any]) -> None:
    chosen = [operation for operation in operations() if thing_of(operation) == thing]
    assert chosen
    for operation in chosen:
        _tried(operation, thing, existing)


def _tried(operation: Any, thing: str, existing: dict[str, Any]) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(operation), real=st.booleans())
    def ask(case: Any, real: bool) -> None:
        if real:
            about_what_exists(case, existing, thing)
        shown = existing["login" if thing == "auth" else "bearer"]
        case.validate_response(answered(case, shown), checks=CHECKS)

    ask()


def test_every_operation_is_in_one_of_these() -> None:
    assert {thing_of(operation) for operation in operations()} == set(THINGS)
