"""Verify: what opens a proxy now, and what ends a token whatever its clock says."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credentials import clients, secrets
from proxies import catalogue, deployment
from proxies.models import ApiProxy, ProxyGroup
from tests.world import REQUEST, START, World, call, later
from tokens import errors, lifecycle, sightings, signing
from tokens.lifecycle import Client, TokenAnswer
from tokens.models import IssuedToken, TokenRequestLog


def key(world: World) -> Client:
    return world.key_of(world.orders)


def never(world: World, holder: ApiProxy | ProxyGroup, token_format: str) -> TokenAnswer:
    """A token that never expires, so that nothing but an event can end it."""
    world.policy(holder, never_expires=True, format=token_format)
    return world.issue(world.key_of(holder))


def credentials_never(world: World, token_format: str) -> TokenAnswer:
    shop = world.credential("shop", world.orders, never_expires=True, token_format=token_format)
    return world.issue(shop)


# ---------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize("days", [0, 1, 365, 3_650, 30_000])
def test_s0_3_time_alone_never_ends_a_token_that_never_expires(world: World, token_format: str, days: int) -> None:
    token = never(world, world.orders, token_format)
    assert world.good(token, at=days * 86_400)


def test_s0_5_an_expired_jwt_is_refused_as_expired_and_not_as_missing(world: World) -> None:
    world.policy(world.orders, format="jwt", access=60)
    token = world.issue(key(world))
    assert world.verify(token, at=60).reason == "token_expired"
    assert world.verify(token, at=10**8).reason == "token_expired"


def test_d41_s0_5_an_expired_jwt_is_told_expired_also_when_its_record_is_cleaned(world: World) -> None:
    world.policy(world.orders, format="jwt", access=60, refresh_allowed=False)
    token = world.issue(key(world))
    lifecycle.clean(at=later(10**7))
    assert not IssuedToken.objects.exists()
    assert world.verify(token, at=10**7).reason == "token_expired"


def test_d41_an_expired_jwt_is_judged_from_its_claims_before_its_record(world: World) -> None:
    world.policy(world.orders, format="jwt", access=60)
    token = world.issue(key(world))
    lifecycle.revoke(key(world), token.access_token, request=REQUEST, at=later(1))
    assert world.verify(token, at=59).reason == "token_revoked"
    assert world.verify(token, at=60).reason == "token_expired"


def test_d41_claims_that_are_not_verified_decide_nothing_r1(world: World) -> None:
    world.policy(world.orders, format="jwt", access=60)
    head, body, signature = world.issue(key(world)).access_token.split(".")
    forged = f"{head}.{body}.{signature[:-6]}AAAAAA"
    assert world.verify(forged, at=10**6).reason == "bad_signature"


@pytest.mark.parametrize(("at", "good"), [(0, True), (59.999_999, True), (60, False), (60.000_001, False)])
def test_d16_a_token_is_valid_while_now_is_before_its_expiry(
    world: World, token_format: str, at: float, *, good: bool
) -> None:
    world.policy(world.orders, access=60, format=token_format)
    assert world.good(world.issue(key(world)), at=at) is good


# ---------------------------------------------------------------------------------------------- place


def test_s0_21_a_token_for_one_proxy_is_refused_at_another_r6(world: World, token_format: str) -> None:
    for holder, elsewhere in ((world.orders, world.billing), (world.billing, world.orders)):
        world.policy(holder, format=token_format)
        token = world.issue(world.key_of(holder))
        assert world.good(token, holder)
        assert world.verify(token, elsewhere).reason == "wrong_proxy"


def test_s0_22_a_groups_token_is_accepted_at_every_proxy_inside_and_nowhere_else(
    world: World, token_format: str
) -> None:
    outside = catalogue.add_proxy(name="Outside", slug="outside", by="test", at=START)
    deployment.deploy(outside, world.test, by="test", at=START)
    world.policy(world.commerce, format=token_format)
    token = world.issue(world.key_of(world.commerce))
    assert world.good(token, world.orders)
    assert world.good(token, world.billing)
    assert world.verify(token, outside).reason == "wrong_proxy"


def test_i17_a_token_works_for_its_own_proxy_or_members_of_its_group_in_its_own_environment(
    world: World, token_format: str
) -> None:
    """The whole cross table of proxies, environments and tokens."""
    catalogue.change_environment(world.live, by="test", at=START, gateways_must_authenticate=False)
    outside = catalogue.add_proxy(name="Outside", slug="outside", by="test", at=START)
    sales = catalogue.add_group(name="Sales", slug="sales", members=[world.billing, outside], by="test", at=START)
    for holder in (outside, sales):
        opened = clients.open_credential(
            name=holder.slug, by="test", at=START, **{"group" if holder is sales else "proxy": holder}
        )
        world.clients[holder.slug] = Client(opened.client_id, opened.secret)
        for environment in (world.test, world.live):
            deployment.deploy(holder, environment, by="test", at=START)
    proxies = [world.orders, world.billing, outside]
    opens: dict[ApiProxy | ProxyGroup, set[ApiProxy]] = {
        **{proxy: {proxy} for proxy in proxies},
        world.commerce: {world.orders, world.billing},
        sales: {world.billing, outside},
    }
    for holder, places in opens.items():
        world.policy(holder, format=token_format)
        for issued_in in ("test", "live"):
            token = world.issue(world.key_of(holder), environment=issued_in)
            for shown_in in ("test", "live"):
                for proxy in proxies:
                    good = world.verify(token, proxy, environment=shown_in).good
                    assert good == (issued_in == shown_in and proxy in places), (holder, issued_in, shown_in, proxy)


def test_d14_membership_is_looked_up_when_the_token_is_used(world: World, token_format: str) -> None:
    world.policy(world.commerce, format=token_format)
    token = world.issue(world.key_of(world.commerce))
    catalogue.remove_member(world.commerce, world.billing, by="test", at=START)
    assert world.verify(token, world.billing).reason == "wrong_proxy"
    assert world.good(token, world.orders)
    joined = catalogue.add_proxy(name="Joined", slug="joined", by="test", at=START)
    deployment.deploy(joined, world.test, by="test", at=START)
    catalogue.add_member(world.commerce, joined, by="test", at=START)
    catalogue.add_member(world.commerce, world.billing, by="test", at=START)
    assert world.good(token, joined)
    assert world.good(token, world.billing)


def test_d14_grants_are_looked_up_when_the_token_is_used(world: World, token_format: str) -> None:
    shop = world.credential("shop", world.orders, token_format=token_format, access_token_lifetime_secs=10**6)
    credential = world.credentials["shop"]
    token = world.issue(shop)
    made = clients.grant(to=credential, target=world.orders, by="test", at=START)
    clients.withdraw(made, by="test", at=START)
    assert world.verify(token, at=1).reason == "not_granted"
    clients.grant(to=credential, target=world.orders, by="test", at=START, expires_on=date(2026, 1, 2))
    assert world.good(token, at=12 * 3600 - 1)
    assert world.verify(token, at=12 * 3600).reason == "not_granted"
    clients.grant(to=credential, target=world.orders, by="test", at=START)
    assert world.good(token, at=12 * 3600)


def test_d14_an_inactive_or_expired_credential_is_refused_while_it_is_so(world: World, token_format: str) -> None:
    shop = world.credential("shop", world.orders, token_format=token_format, never_expires=True)
    credential = world.credentials["shop"]
    token = world.issue(shop)
    clients.deactivate(credential, by="test", at=START)
    assert world.verify(token).reason == "credential_inactive"
    clients.reactivate(credential, by="test", at=START)
    assert world.good(token)
    clients.change_credential(credential, by="test", at=START, expires_on=date(2026, 1, 3))
    assert world.good(token, at=36 * 3600 - 1)
    assert world.verify(token, at=36 * 3600).reason == "credential_expired"
    clients.change_credential(credential, by="test", at=START, expires_on=None)
    assert world.good(token, at=36 * 3600)


def test_d39_what_counts_at_use_is_the_tokens_scopes_and_the_grants_of_now(world: World, token_format: str) -> None:
    shop = world.credential("shop", world.orders, token_format=token_format)
    token = world.issue(shop)
    assert world.verify(token).scopes == "read write"
    clients.grant(to=world.credentials["shop"], target=world.orders, scopes="read", by="test", at=START)
    assert world.verify(token).scopes == "read"
    assert world.verify(token, required_scopes="write").reason == "insufficient_scope"
    narrow = world.issue(shop, scope="read")
    clients.grant(to=world.credentials["shop"], target=world.orders, by="test", at=START)
    assert world.verify(narrow).scopes == "read"  # a wider grant does not widen a token
    assert world.verify(narrow, required_scopes="write").reason == "insufficient_scope"


def test_s0_2_a_proxy_needs_its_scopes_all_or_any(world: World) -> None:
    read = world.issue(key(world), scope="read")
    catalogue.change_proxy(world.orders, by="test", at=START, required_scopes="read write")
    assert world.verify(read).reason == "insufficient_scope"
    catalogue.change_proxy(world.orders, by="test", at=START, required_match="any")
    assert world.good(read)


# ---------------------------------------------------------------------------------------------- events


def test_s0_29_undeploying_the_proxy_ends_its_tokens(world: World, token_format: str) -> None:
    token = never(world, world.orders, token_format)
    other = never(world, world.billing, token_format)
    deployment.undeploy(world.orders, world.test, by="test", at=START)
    assert world.verify(token, at=1).reason == "holder_undeployed"
    assert world.good(other, world.billing, at=1)


def test_d11_redeploying_revives_nothing(world: World, token_format: str) -> None:
    for holder in (world.orders, world.commerce):
        token = never(world, holder, token_format)
        deployment.undeploy(holder, world.test, by="test", at=START)
        deployment.deploy(holder, world.test, by="test", at=START)
        assert world.verify(token, at=1).reason == "holder_undeployed"
        assert world.good(world.issue(world.key_of(holder)), at=1)


def test_d11_redeploying_without_undeploying_keeps_every_token(world: World, token_format: str) -> None:
    token = never(world, world.orders, token_format)
    deployment.deploy(world.orders, world.test, by="test", at=START)
    assert world.good(token, at=1)


def test_d11_undeploying_in_one_environment_leaves_the_others(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format)
    token = world.issue(key(world))
    deployment.undeploy(world.orders, world.live, by="test", at=START)
    assert world.good(token, at=1)


def test_d11_a_groups_token_carries_the_groups_deployment_and_waits_at_an_undeployed_member(
    world: World, token_format: str
) -> None:
    token = never(world, world.commerce, token_format)
    deployment.undeploy(world.orders, world.test, by="test", at=START)
    assert world.verify(token, world.orders).reason == "member_undeployed"
    assert world.good(token, world.billing)
    deployment.deploy(world.orders, world.test, by="test", at=START)
    assert world.good(token, world.orders)
    deployment.undeploy(world.commerce, world.test, by="test", at=START)
    for proxy in (world.orders, world.billing):
        assert world.verify(token, proxy).reason == "holder_undeployed"


def test_s0_30_changing_the_proxys_private_key_ends_its_tokens(world: World, token_format: str) -> None:
    token = never(world, world.orders, token_format)
    old = key(world)
    new = Client(old.client_id, clients.change_key(world.credentials["orders"], by="test", at=START))
    assert world.verify(token, at=1).reason == "holder_key_changed"
    assert world.good(world.issue(new), at=1)


def test_s0_30_changing_the_groups_private_key_ends_its_tokens_and_not_its_members(
    world: World, token_format: str
) -> None:
    token, members = never(world, world.commerce, token_format), never(world, world.orders, token_format)
    clients.change_key(world.credentials["commerce"], by="test", at=START)
    assert world.verify(token, world.billing).reason == "holder_key_changed"
    assert world.good(members)


def test_s0_31_changing_the_environments_key_ends_the_jwts_of_a_proxy(world: World) -> None:
    token = never(world, world.orders, "jwt")
    signing.change(world.test, by="test", at=START)
    assert world.verify(token, at=1).reason == "signing_key_changed"
    assert world.good(world.issue(key(world)), at=1)


def test_s0_32_undeploying_the_credential_ends_its_tokens_for_good(world: World, token_format: str) -> None:
    token = credentials_never(world, token_format)
    clients.undeploy(world.credentials["shop"], world.test, by="test", at=START)
    assert world.verify(token, at=1).reason == "holder_undeployed"
    clients.deploy(world.credentials["shop"], world.test, by="test", at=START)
    assert world.verify(token, at=1).reason == "holder_undeployed"
    assert world.good(world.issue(world.clients["shop"]), at=1)


def test_d11_undeploying_the_target_ends_a_credentials_token_for_good_too(world: World, token_format: str) -> None:
    token = credentials_never(world, token_format)
    deployment.undeploy(world.orders, world.test, by="test", at=START)
    deployment.deploy(world.orders, world.test, by="test", at=START)
    assert world.verify(token, at=1).reason == "holder_undeployed"


def test_s0_33_changing_the_credentials_private_key_ends_its_tokens(world: World, token_format: str) -> None:
    token = credentials_never(world, token_format)
    clients.change_key(world.credentials["shop"], by="test", at=START)
    assert world.verify(token, at=1).reason == "holder_key_changed"


def test_s0_34_changing_the_environments_key_ends_the_jwts_of_a_credential(world: World) -> None:
    token = credentials_never(world, "jwt")
    signing.change(world.test, by="test", at=START)
    assert world.verify(token, at=1).reason == "signing_key_changed"


def test_s0_35_an_environment_key_change_does_not_touch_opaque_tokens(world: World) -> None:
    of_proxy, of_group = never(world, world.billing, "opaque"), never(world, world.commerce, "opaque")
    of_credential = credentials_never(world, "opaque")
    world.policy(world.billing, format="opaque")
    refreshable = world.issue(world.key_of(world.billing))
    signing.change(world.test, by="test", at=START)
    assert world.good(of_proxy, world.billing, at=1)
    assert world.good(of_group, at=1)
    assert world.good(of_credential, at=1)
    assert world.refresh(world.key_of(world.billing), refreshable.refresh_token, at=1).access_token


# ---------------------------------------------------------------------------------------------- form, and last use


@pytest.mark.parametrize("kind", [secrets.ACCESS_TOKEN, secrets.REFRESH_TOKEN, secrets.CLIENT_SECRET])
def test_d20_a_value_with_a_wrong_checksum_is_refused_and_its_hash_never_asked_for(world: World, kind: str) -> None:
    raw = secrets.make(kind)
    broken = raw[:-1] + ("0" if raw[-1] != "0" else "1")
    with CaptureQueriesContext(connection) as queries:
        assert world.verify(broken).reason == "token_not_found"
    asked = " ".join(query["sql"] for query in queries)
    assert not any(digest in asked for digest in secrets.digests(broken))


def test_d37_every_other_kind_is_refused_as_the_wrong_kind(world: World) -> None:
    for kind in (secrets.REFRESH_TOKEN, secrets.CLIENT_SECRET, secrets.CONNECTION_TOKEN, secrets.PERSONAL_TOKEN):
        assert world.verify(secrets.make(kind)).reason == "wrong_token_kind"
    assert world.verify(secrets.make(secrets.ACCESS_TOKEN)).reason == "token_not_found"


def test_an_unknown_proxy_or_environment_is_the_gateways_fault(world: World) -> None:
    token = world.issue(key(world))
    with pytest.raises(lifecycle.UnknownProxy):
        lifecycle.verify(token.access_token, proxy="nobody", at=START)
    with pytest.raises(errors.UnknownEnvironment):
        lifecycle.verify(token.access_token, proxy="orders", environment="nowhere", at=START)


def test_d25_verifying_leaves_no_row_and_writes_nothing(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format)
    token = world.issue(key(world))
    rows = TokenRequestLog.objects.count()
    world.good(token)  # the key of a JWT is read once
    with CaptureQueriesContext(connection) as queries:
        assert world.good(token)
        assert not world.good(token, world.billing)
        assert not world.good("nonsense")
    assert all(query["sql"].lstrip().startswith("SELECT") for query in queries)
    assert len(queries) <= 3
    assert TokenRequestLog.objects.count() == rows


def test_d25_last_use_moves_at_most_once_a_minute_and_never_back(world: World, time_machine) -> None:
    token = world.issue(key(world))
    record = IssuedToken.objects.get()

    def use(seconds: float, address: str) -> None:
        time_machine.move_to(later(seconds), tick=False)
        sightings.seen(record.pk, proxy="orders", address=address)
        sightings.flush()
        record.refresh_from_db()

    assert record.last_used_at is None
    use(10, "192.0.2.1")
    assert (record.last_used_at, record.last_used_proxy, record.last_used_address) == (later(10), "orders", "192.0.2.1")
    use(69, "192.0.2.2")
    assert record.last_used_at == later(10)
    use(71, "192.0.2.3")
    assert (record.last_used_at, record.last_used_address) == (later(71), "192.0.2.3")
    use(20, "192.0.2.4")
    assert record.last_used_at == later(71)
    assert token.access_token


def test_d25_the_door_records_a_good_use_off_the_requests_path(world: World, time_machine) -> None:
    time_machine.move_to(later(1), tick=False)
    token = world.issue(key(world))
    bearer = f"Bearer {token.access_token}"
    sightings.flush()
    assert call("/auth/verify", method="GET", HTTP_X_PROXY="orders", HTTP_AUTHORIZATION=bearer).status == 200
    assert IssuedToken.objects.get().last_used_at is None
    sightings.flush()
    assert IssuedToken.objects.get().last_used_at == later(1)
    time_machine.move_to(later(1) + timedelta(minutes=5), tick=False)
    assert call("/auth/verify", method="GET", HTTP_X_PROXY="billing", HTTP_AUTHORIZATION=bearer).status == 401
    sightings.flush()
    assert IssuedToken.objects.get().last_used_at == later(1)
