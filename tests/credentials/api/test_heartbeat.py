"""`POST /connect/heartbeat`: who is let in, and what hostile input meets."""

import json
from typing import Any

import pytest
from django.test import Client

from credentials import rotation, secrets
from credentials.models import ConnectionConfiguration, ConnectionToken, GatewayInstance
from tests.credentials.connections import opened

pytestmark = pytest.mark.django_db
GOOD = {"instance_id": "edge-1", "deployment_type": "kubernetes", "version": "1.4.0"}


def post(raw: str | None, body: Any = GOOD, **more: Any) -> Any:
    headers = {} if raw is None else {"Authorization": f"Bearer {raw}"}
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    client = Client(raise_request_exception=False)
    return client.post("/connect/heartbeat", text, content_type="application/json", headers={**headers, **more})


def test_s4_1_a_heartbeat_with_a_good_token_is_taken():
    made = opened()

    answer = post(made.raw)

    assert (answer.status_code, answer.json()["instance_id"]) == (200, "edge-1")
    assert answer.headers["Cache-Control"] == "no-store"
    assert GatewayInstance.objects.get().address == "127.0.0.1"
    assert ConnectionToken.objects.get().last_used_instance == "edge-1"


def test_without_credentials_the_challenge_has_no_error_code():
    answer = post(None)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="latchkey"'


@pytest.mark.parametrize("kind", ["reverse_proxy", "", "mainframe", None])
def test_s4_22_d33_another_type_or_none_is_401_invalid_token_and_the_last_refusal(kind):
    made = opened()
    body = {**GOOD, "deployment_type": kind} if kind is not None else {"instance_id": "edge-1"}

    answer = post(made.raw, body)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="latchkey", error="invalid_token"'
    assert answer.json()["code"] == "invalid_token"
    assert ConnectionConfiguration.objects.get().last_refused_because


def test_d33_revoked_closed_and_past_the_licence_all_look_alike_from_outside():
    replaced, closed = opened(name="replaced"), opened(name="closed")
    rotation.replace_now(replaced.token, by="ada")
    rotation.close(closed.token.configuration, by="ada")

    answers = [post(raw) for raw in (replaced.raw, closed.raw, secrets.make(secrets.CONNECTION_TOKEN))]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    "credentials",
    [
        "Bearer",
        "Bearer x",
        "Bearer " + "x" * 10_000,
        "Bearer lk_ct_" + "0" * 72,
        "Basic YTpi",
        "Bearer {raw} {raw}",
        "Bearer {raw}, Bearer {raw}",
        "Bearer {raw}\x00",
        "Bearer \xff",
        "Bearer {other}",
    ],
)
def test_malformed_doubled_or_foreign_credentials_are_401(credentials):
    raw, other = opened().raw, secrets.make(secrets.ACCESS_TOKEN)
    answer = post(None, Authorization=credentials.format(raw=raw, other=other))
    assert answer.status_code == 401
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b"[" * 16_000,
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        b'{"instance_id": "' + b"x" * 10_000 + b'", "deployment_type": "kubernetes"}',
        b'{"instance_id": "' + b"x" * 100_000 + b'"}',
        b'{"instance_id": ' + b"9" * 10_000 + b"}",
        b'{"instance_id": NaN}',
        json.dumps({**GOOD, "instance_id": "a\x00b"}).encode(),
        json.dumps({**GOOD, "instance_id": "\ud800"}).encode(),
        json.dumps({**GOOD, "instance_id": ["edge"]}).encode(),
        json.dumps({**GOOD, "instance_id": {"a": 1}}).encode(),
        json.dumps({**GOOD, "instance_id": None}).encode(),
        json.dumps({**GOOD, "instance_id": "two words"}).encode(),
        json.dumps({**GOOD, "deployment_type": ["kubernetes"]}).encode(),
        json.dumps({**GOOD, "deployment_type": "kubernetes\x00"}).encode(),
        json.dumps({**GOOD, "version": "1\x00"}).encode(),
        json.dumps({**GOOD, "version": "9" * 10_000}).encode(),
        json.dumps({**GOOD, "protecting": "perhaps"}).encode(),
        json.dumps({**GOOD, "protecting": [True]}).encode(),
    ],
)
def test_hostile_bodies_are_400_never_500_and_change_nothing(body):
    made = opened()
    answer = post(made.raw, body)
    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not GatewayInstance.objects.exists()


def test_a_form_and_other_methods_are_refused():
    made = opened()
    headers = {"Authorization": f"Bearer {made.raw}"}
    assert Client().post("/connect/heartbeat", {"instance_id": "x"}, headers=headers).status_code == 415
    assert Client().get("/connect/heartbeat", headers=headers).status_code == 405
    assert Client().post(f"/connect/heartbeat?access_token={made.raw}").status_code == 401


@pytest.mark.parametrize(
    ("trusted", "forwarded", "kept"),
    [
        ([], "203.0.113.9", "127.0.0.1"),
        (["127.0.0.0/8"], "203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8"], "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8", "203.0.113.0/24"], "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (["127.0.0.0/8"], "nonsense", "127.0.0.1"),
        (["127.0.0.0/8"], "", "127.0.0.1"),
    ],
)
def test_d36_the_address_is_the_instances_own_behind_trusted_proxies_only(settings, trusted, forwarded, kept):
    settings.TRUSTED_PROXIES = trusted
    post(opened().raw, **{"X-Forwarded-For": forwarded})
    assert GatewayInstance.objects.get().address == kept
