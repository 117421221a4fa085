"""Gateways prove themselves where the environment's switch is on (gateways.md section 8, S4.1, D33, D40)."""

from typing import Any

import pytest

from credentials import rotation
from credentials.models import ConnectionConfiguration, ConnectionToken
from credentials.rotation import Made
from proxies import catalogue
from tests import world as worlds
from tests.world import Answered, World
from tokens import sightings
from tokens.models import TokenRequestLog


@pytest.fixture
def gateway(world: World) -> Made:
    return rotation.open_connection(name="edge", deployment_type="reverse_proxy", environment=world.test, by="test")


def shown(raw: str, kind: str = "reverse_proxy") -> dict[str, str]:
    return {"HTTP_X_GATEWAY_TOKEN": raw, "HTTP_X_GATEWAY_TYPE": kind, "HTTP_X_GATEWAY_INSTANCE": "edge-1"}


def access_of(world: World) -> str:
    answered = worlds.call("/oauth2/token", {"grant_type": "client_credentials"}, client=world.key_of(world.orders))
    return str(answered.json["access_token"])


def verify(access: str, path: str = "/auth/verify", **headers: Any) -> Answered:
    return worlds.call(path, method="GET", HTTP_AUTHORIZATION=f"Bearer {access}", HTTP_X_PROXY="orders", **headers)


def test_s4_1_with_the_switch_on_only_a_gateway_that_proved_itself_gets_an_answer(world: World, gateway: Made) -> None:
    access = access_of(world)
    assert verify(access).status == 200
    catalogue.change_environment(world.test, by="test", gateways_must_authenticate=True)
    refused = verify(access)
    assert (refused.status, refused.json["error_code"]) == (403, "gateway_refused")
    assert "X-Token-Subject" not in refused.headers
    assert verify(access, **shown(gateway.raw)).status == 200


def test_d36_a_proof_at_verify_is_kept_as_the_tokens_last_use_but_not_on_the_way(world: World, gateway: Made) -> None:
    assert verify(access_of(world), **shown(gateway.raw)).status == 200
    assert ConnectionToken.objects.get().last_used_at is None
    sightings.flush()
    kept = ConnectionToken.objects.get()
    assert (kept.last_used_instance, kept.last_used_address) == ("edge-1", "192.0.2.7")
    assert kept.last_used_at is not None


@pytest.mark.parametrize("kind", ["kubernetes", ""])
def test_d33_a_token_of_another_type_is_403_at_verify_and_the_last_refusal_says_so(
    world: World, gateway: Made, kind: str
) -> None:
    assert verify(access_of(world), **shown(gateway.raw, kind)).status == 403
    sightings.flush()
    assert "edge-1" in ConnectionConfiguration.objects.get().last_refused_because


def test_d33_a_revoked_token_a_foreign_environment_and_rubbish_are_403_at_verify(world: World, gateway: Made) -> None:
    access = access_of(world)
    other = rotation.open_connection(name="live", deployment_type="reverse_proxy", environment=world.live, by="test")
    replaced = rotation.replace_now(gateway.token, by="test")
    for raw in (gateway.raw, other.raw, "rubbish", access):
        assert verify(access, **shown(raw)).status == 403, raw
    assert verify(access, **shown(replaced.raw)).status == 200


def introspect(token: str, raw: str, kind: str = "reverse_proxy", path: str = "/oauth2/introspect") -> Answered:
    headers = {**shown(raw, kind), "HTTP_AUTHORIZATION": f"Bearer {raw}"}
    headers.pop("HTTP_X_GATEWAY_TOKEN")
    return worlds.call(path, {"token": token}, **headers)


def test_d40_a_gateway_introspects_the_tokens_of_its_own_environment_and_no_others(world: World, gateway: Made) -> None:
    access = access_of(world)
    told = introspect(access, gateway.raw)
    assert told.json["active"] is True
    other = rotation.open_connection(name="live", deployment_type="reverse_proxy", environment=world.live, by="test")
    assert introspect(access, other.raw, path="/env/live/oauth2/introspect").json == {"active": False}


def test_d24_a_gateway_refused_at_introspection_leaves_a_row_and_learns_nothing(world: World, gateway: Made) -> None:
    access = access_of(world)
    before = TokenRequestLog.objects.count()
    refused = introspect(access, gateway.raw, kind="kubernetes")
    assert (refused.status, refused.json["error"]) == (401, "invalid_token")
    row = TokenRequestLog.objects.order_by("-id")[0]
    assert (TokenRequestLog.objects.count(), row.action, row.reason) == (before + 1, "introspect", "gateway_refused")
    assert introspect(access, access).status == 401


def test_d33_a_gateway_that_can_set_no_header_says_its_type_and_instance_in_the_form(
    world: World, gateway: Made
) -> None:
    access = access_of(world)

    def asked(form: dict[str, str], **headers: str) -> int:
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {gateway.raw}", **headers}
        return worlds.call("/oauth2/introspect", {"token": access, **form}, **bearer).status

    stated = {"gateway_type": "reverse_proxy", "gateway_instance": "apache-1"}
    assert asked(stated) == 200
    sightings.flush()
    assert ConnectionToken.objects.get().last_used_instance == "apache-1"
    assert asked({}) == 401
    assert asked({"gateway_type": "kubernetes"}) == 401
    assert asked(stated, HTTP_X_GATEWAY_TYPE="kubernetes") == 401, "a header that is there counts"
