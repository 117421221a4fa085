"""Introspect: inactive until shown otherwise, and nothing else to whom it is no business of."""

from collections.abc import Callable
from typing import Any

import pytest

from credentials import clients, rotation, secrets
from credentials.errors import ClientAuthenticationFailed
from credentials.models import ConnectionConfiguration
from proxies import catalogue, deployment
from tests.world import REQUEST, START, World, call, later
from tokens import errors, lifecycle, signing
from tokens.lifecycle import Client, Proof
from tokens.models import IssuedToken, TokenRequestLog

INACTIVE = {"active": False}


def ask(client: Client, raw: str | None, at: float = 1, **more: Any) -> dict[str, Any]:
    assert raw is not None
    return lifecycle.introspect(client, raw, request=REQUEST, at=later(at), **more)


def key(world: World) -> Client:
    return world.key_of(world.orders)


def test_d40_the_client_it_was_issued_to_is_told_all(world: World, token_format: str) -> None:
    world.policy(world.orders, access=60, refresh=180, format=token_format)
    token = world.issue(key(world))
    told = ask(key(world), token.access_token)
    assert told == {
        "active": True,
        "iss": told["iss"],
        "sub": key(world).client_id,
        "client_id": key(world).client_id,
        "aud": world.orders.audience,
        "scope": "read write",
        "token_type": "Bearer",
        "iat": int(START.timestamp()),
        "exp": int(later(60).timestamp()),
        "jti": IssuedToken.objects.get().jti,
    }


def test_d40_a_refresh_token_is_told_as_one(world: World, token_format: str) -> None:
    world.policy(world.orders, access=60, refresh=180, format=token_format)
    told = ask(key(world), world.issue(key(world)).refresh_token)
    assert (told["active"], told["token_type"], told["exp"]) == (True, "refresh_token", int(later(180).timestamp()))


def test_d40_the_key_of_the_proxy_or_group_it_is_for_is_told_and_nobody_else(world: World, token_format: str) -> None:
    shop = world.credential("shop", world.orders, world.commerce, token_format=token_format)
    other = world.credential("other", world.orders, world.commerce)
    for_proxy, for_group = world.issue(shop, target="orders"), world.issue(shop, target="commerce")
    may = {
        for_proxy: [shop, world.key_of(world.orders)],
        for_group: [shop, world.key_of(world.commerce)],
    }
    callers = [shop, other, *(world.key_of(holder) for holder in (world.orders, world.billing, world.commerce))]
    for token, told in may.items():
        for caller in callers:
            for raw in (token.access_token, token.refresh_token):
                answer = ask(caller, raw)
                assert answer["active"] == (caller in told)
                if caller not in told:
                    assert answer == INACTIVE


def test_d40_a_gateway_is_told_about_tokens_of_its_environment(world: World, token_format: str) -> None:
    world.policy(world.orders, access=600, format=token_format)
    proofs = {}
    for environment in (world.test, world.live):
        kind = ConnectionConfiguration.DeploymentType.values[0]
        made = rotation.open_connection(
            name=f"gateway of {environment}", environment=environment, deployment_type=kind, by="test", at=START
        )
        proofs[environment.slug] = Proof(made.raw, "gateway-1", kind, "192.0.2.7")
    token = world.issue(key(world))

    def tell(proof: Proof, environment: str = "") -> dict[str, Any]:
        return lifecycle.introspect_for_gateway(
            proof, token.access_token, request=REQUEST, environment=environment, at=later(1)
        )

    assert tell(proofs["test"])["active"] is True
    assert tell(proofs["live"], "live") == INACTIVE
    for proof in (proofs["live"], Proof("wrong"), Proof(key(world).secret)):
        with pytest.raises(errors.GatewayRefused):
            tell(proof)


ENDS: dict[str, Callable[[World, lifecycle.TokenAnswer], object]] = {
    "revoked": lambda world, token: lifecycle.revoke(
        key(world), token.refresh_token or "", request=REQUEST, at=later(1)
    ),
    "undeployed": lambda world, _: deployment.undeploy(world.orders, world.test, by="test", at=START),
    "other mode": lambda world, _: catalogue.set_mode(world.orders, "credentials", by="test", at=START),
    "no scope left": lambda world, _: catalogue.change_proxy(world.orders, by="test", at=START, scopes="other"),
}


@pytest.mark.parametrize("end", ENDS)
def test_d11_d6_whatever_ends_a_token_makes_it_inactive_at_once(world: World, token_format: str, end: str) -> None:
    world.policy(world.orders, access=600, refresh=600, format=token_format)
    token = world.issue(key(world))
    assert ask(key(world), token.access_token)["active"]
    ENDS[end](world, token)
    assert ask(key(world), token.access_token, at=2) == INACTIVE


def test_d11_a_changed_key_makes_it_inactive(world: World, token_format: str) -> None:
    world.policy(world.orders, access=600, refresh=600, format=token_format)
    token = world.issue(key(world))
    new = Client(key(world).client_id, clients.change_key(world.credentials["orders"], by="test", at=START))
    for raw in (token.access_token, token.refresh_token):
        assert ask(new, raw) == INACTIVE


def test_d13_a_changed_environment_key_makes_a_jwt_and_its_refresh_token_inactive(world: World) -> None:
    world.policy(world.orders, access=600, refresh=600, format="jwt")
    token = world.issue(key(world))
    signing.change(world.test, by="test", at=later(1))
    for raw in (token.access_token, token.refresh_token):
        assert ask(key(world), raw, at=2) == INACTIVE


def test_d16_active_while_now_is_before_the_expiry(world: World, token_format: str) -> None:
    world.policy(world.orders, access=60, refresh=180, format=token_format)
    token = world.issue(key(world))
    for raw, end in ((token.access_token, 60), (token.refresh_token, 180)):
        assert ask(key(world), raw, at=end - 0.001)["active"]
        assert ask(key(world), raw, at=end) == INACTIVE


def test_d4_a_spent_exhausted_or_replaced_token_is_inactive(world: World, token_format: str) -> None:
    world.policy(world.orders, access=60, refresh=180, count=1, format=token_format)
    first = world.issue(key(world))
    second = world.refresh(key(world), first.refresh_token, at=1)
    assert ask(key(world), first.refresh_token, at=2) == INACTIVE
    assert ask(key(world), first.access_token, at=2)["active"] == (token_format == "jwt")
    assert ask(key(world), second.refresh_token, at=2)["active"]
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), second.refresh_token, at=20)
    assert ask(key(world), second.refresh_token, at=21) == INACTIVE
    assert ask(key(world), second.access_token, at=21)["active"]


def test_d15_a_token_that_never_expires_is_told_without_exp(world: World, token_format: str) -> None:
    world.policy(world.orders, never_expires=True, format=token_format)
    told = ask(key(world), world.issue(key(world)).access_token, at=10**8)
    assert told["active"]
    assert "exp" not in told


def test_d37_other_kinds_and_other_environments_are_inactive(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format)
    token = world.issue(key(world))
    assert ask(key(world), token.access_token, environment="live") == INACTIVE
    for raw in (key(world).secret, "nonsense", "a.b.c", secrets.make(secrets.ACCESS_TOKEN)):
        assert ask(key(world), raw) == INACTIVE


def test_d39_the_scope_told_is_what_counts_now(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format)
    token = world.issue(key(world))
    catalogue.change_proxy(world.orders, by="test", at=START, scopes="read other")
    assert ask(key(world), token.access_token)["scope"] == "read"


def test_d24_introspection_leaves_a_row_only_where_the_callers_authentication_is_refused(world: World) -> None:
    token = world.issue(key(world))
    before = TokenRequestLog.objects.count()
    ask(key(world), token.access_token)
    ask(world.key_of(world.billing), token.access_token)
    ask(key(world), "nonsense")
    assert TokenRequestLog.objects.count() == before
    with pytest.raises(ClientAuthenticationFailed):
        ask(Client(key(world).client_id, "wrong"), token.access_token)
    row = world.log()[-1]
    assert TokenRequestLog.objects.count() == before + 1
    assert (row.action, row.outcome, row.reason) == ("introspect", "refused", "client_auth_failed")


def test_d14_a_deactivated_client_is_told_nothing(world: World) -> None:
    token = world.issue(key(world))
    clients.deactivate(world.credentials["orders"], by="test", at=START)
    with pytest.raises(errors.CredentialInactive):
        ask(key(world), token.access_token)


def test_d40_the_door_answers_200_with_active_false_to_a_stranger(world: World) -> None:
    token = world.issue(key(world))
    answer = call("/oauth2/introspect", {"token": token.access_token}, client=world.key_of(world.billing))
    assert (answer.status, answer.json) == (200, INACTIVE)


def test_d14_a_group_s_token_is_told_with_the_members_that_it_opens_now(world: World, token_format: str) -> None:
    world.policy(world.commerce, access=600, format=token_format)
    token = world.issue(world.key_of(world.commerce))
    group, orders, billing = (each.audience for each in (world.commerce, world.orders, world.billing))

    def told() -> object:
        client = world.key_of(world.commerce)
        return lifecycle.introspect(client, token.access_token, request=REQUEST, at=later(1))["aud"]

    assert told() == [group, billing, orders]
    catalogue.remove_member(world.commerce, world.billing, by="test")
    assert told() == [group, orders]
    deployment.undeploy(world.orders, world.test, by="test", at=later(1))
    assert told() == [group], "at a member that is undeployed it is refused (D11)"
    deployment.deploy(world.orders, world.test, by="test", at=later(1))
    assert told() == [group, orders]
