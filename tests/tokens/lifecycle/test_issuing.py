"""Issue: who gets what, under whose terms, and what is left behind."""

from datetime import date
from unittest import mock

import pytest
from django.db import IntegrityError, transaction

from credentials import clients
from proxies import catalogue, deployment
from proxies.catalogue import Rule
from proxies.errors import NameTaken
from tests.tokens.lifecycle.refreshed import key
from tests.world import REQUEST, START, World, call, later
from tokens import errors, lifecycle, policies
from tokens.lifecycle import Client
from tokens.models import IssuedToken, RefreshKey, TokenFamily, TokenPolicy

# ---------------------------------------------------------------------------------------------- policies


def test_s0_1_a_proxy_has_one_policy_for_all_its_methods(world: World) -> None:
    world.policy(world.orders, format="jwt", access=60)
    world.policy(world.orders, format="jwt", access=90)
    assert TokenPolicy.objects.get(proxy=world.orders).access_token_lifetime_secs == 90
    with pytest.raises(IntegrityError), transaction.atomic():
        TokenPolicy.objects.create(proxy=world.orders, access_token_lifetime_secs=60, refresh_allowed=False)
    with pytest.raises(errors.InvalidPolicy):
        policies.set_policy(world.orders, by="test", at=START, method="GET")
    assert not any("method" in field.name or "path" in field.name for field in TokenPolicy._meta.get_fields())


def test_s0_1_a_policy_has_exactly_one_owner(world: World) -> None:
    for owners in ({}, {"proxy": world.orders, "group": world.commerce}):
        with pytest.raises(IntegrityError), transaction.atomic():
            TokenPolicy.objects.create(access_token_lifetime_secs=60, refresh_allowed=False, **owners)


def test_s0_1_one_jwt_of_the_policy_is_good_for_every_method(world: World) -> None:
    world.policy(world.orders, format="jwt")
    token = world.issue(key(world))
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert world.verify(token, told=lifecycle.Told(method, "/any", is_trusted=True)).good


def test_s0_2_permission_per_method_is_a_scope_of_a_path_rule(world: World) -> None:
    rules = [Rule("get", "/invoices/*", "read"), Rule("POST", "/invoices/**", "read  write", "any")]
    catalogue.set_path_rules(world.orders, rules, by="test", at=START)
    kept = world.orders.path_rules.order_by("id").values_list("method", "pattern", "scopes", "match")
    assert list(kept) == [("GET", "/invoices/*", "read", "all"), ("POST", "/invoices/**", "read write", "any")]
    assert TokenPolicy.objects.filter(proxy=world.orders).count() == 1
    catalogue.set_path_rules(world.orders, [Rule("", "/", "read")], by="test", at=START)
    assert list(world.orders.path_rules.values_list("method", "pattern")) == [("", "/")]


def test_s0_2_two_rules_for_one_method_and_path_are_refused_and_the_old_ones_stay(world: World) -> None:
    catalogue.set_path_rules(world.orders, [Rule("GET", "/a", "read")], by="test", at=START)
    doubled = [Rule("POST", "/b", "read"), Rule("POST", "/b", "write")]
    with pytest.raises(NameTaken):
        catalogue.set_path_rules(world.orders, doubled, by="test", at=START)
    assert list(world.orders.path_rules.values_list("pattern", flat=True)) == ["/a"]


def test_d5_the_terms_are_copied_at_issue_and_a_later_edit_concerns_new_families_only(world: World) -> None:
    world.policy(world.orders, access=60, refresh=180, count=3, mode="rotating", window=7)
    old = world.issue(key(world))
    world.policy(world.orders, access=5, refresh=6, count=1, mode="static", window=0)
    family = TokenFamily.objects.get()
    terms = (
        family.access_token_lifetime_secs,
        family.refresh_token_lifetime_secs,
        family.refresh_count,
        family.refresh_mode,
        family.retry_window_secs,
    )
    assert terms == (60, 180, 3, "rotating", 7)
    raw = old.refresh_token
    for step in range(3):
        answer = world.refresh(key(world), raw, at=179 * (step + 1))
        assert answer.expires_in == 60
        assert answer.refresh_token != raw
        raw = answer.refresh_token
    new = world.issue(key(world), at=600)
    assert new.expires_in == 5
    assert world.refresh(key(world), new.refresh_token, at=601).refresh_token == new.refresh_token


def test_d5_a_suspended_policy_hands_out_nothing(world: World) -> None:
    token = world.issue(key(world))
    policy = TokenPolicy.objects.get(proxy=world.orders)
    policies.suspend(policy, by="test", at=START)
    with pytest.raises(errors.GrantNotAllowed):
        world.issue(key(world), at=1)
    assert world.good(token, at=1)
    policies.resume(policy, by="test", at=START)
    assert world.issue(key(world), at=2).access_token


def test_d8_a_refresh_lifetime_not_longer_than_the_tokens_is_no_error(world: World) -> None:
    for refresh in (60, 30, 1):
        world.policy(world.orders, access=60, refresh=refresh, count=3)
        token = world.issue(key(world))
        assert world.refresh(key(world), token.refresh_token, at=refresh - 0.5).expires_in == 60


@pytest.mark.parametrize(
    "terms",
    [
        {"access": 0},
        {"access": -1},
        {"access": None},
        {"access": True},
        {"access": "60"},
        {"access": 1.5},
        {"refresh": 0},
        {"refresh": None},
        {"count": 0},
        {"window": -1},
        {"window": 3_601},
        {"family": 0},
        {"format": "saml"},
        {"mode": "once"},
    ],
)
def test_terms_that_nobody_can_keep_are_refused(world: World, terms: dict[str, object]) -> None:
    with pytest.raises(errors.InvalidPolicy):
        world.policy(world.orders, **terms)


def test_d9_the_end_of_the_family_caps_the_first_token(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format, access=60, refresh=180, family=40)
    token = world.issue(key(world))
    assert token.expires_in == 40
    assert RefreshKey.objects.get().expires_at == later(40)
    assert world.good(token, at=39.9)
    assert not world.good(token, at=40)


def test_d9_by_default_a_family_has_no_end(world: World) -> None:
    world.issue(key(world))
    assert TokenFamily.objects.get().ends_at is None


def test_d15_a_token_that_never_expires_has_neither_expires_in_nor_refresh_token(
    world: World, token_format: str
) -> None:
    world.policy(world.orders, format=token_format, never_expires=True, access=60, refresh=180)
    body = world.issue(key(world)).as_json()
    assert "expires_in" not in body
    assert "refresh_token" not in body
    assert not RefreshKey.objects.exists()
    assert IssuedToken.objects.get().expires_at is None


def test_d15_never_expires_is_off_by_default(world: World) -> None:
    made = policies.set_policy(world.orders, by="test", at=START)
    assert not made.never_expires
    assert world.issue(key(world)).expires_in == made.access_token_lifetime_secs


def test_d15_one_setting_forbids_jwts_that_never_expire(world: World, settings) -> None:
    settings.ALLOW_NEVER_EXPIRING_JWT = False
    with pytest.raises(errors.InvalidPolicy):
        world.policy(world.orders, format="jwt", never_expires=True)
    world.policy(world.orders, format="opaque", never_expires=True)
    assert world.issue(key(world)).expires_in is None


def test_d16_one_operation_reads_the_clock_once(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format, access=60, refresh=180)
    ticks = iter(later(second) for second in range(1_000))
    with mock.patch("django.utils.timezone.now", side_effect=lambda: next(ticks)) as clock:
        if token_format == "jwt":  # the first JWT makes the environment's first key, which is an operation of its own
            lifecycle.issue(key(world), request=REQUEST)
        clock.reset_mock()
        token = lifecycle.issue(key(world), request=REQUEST)
        assert clock.call_count == 1
        assert token.refresh_token is not None
        answer = lifecycle.refresh(key(world), token.refresh_token, request=REQUEST)
        assert clock.call_count == 2
        lifecycle.verify(answer.access_token, proxy="orders")
        assert clock.call_count == 3
        lifecycle.introspect(key(world), answer.access_token, request=REQUEST)
        assert clock.call_count == 4
        lifecycle.revoke(key(world), answer.access_token, request=REQUEST)
        assert clock.call_count == 5
    family = TokenFamily.objects.order_by("-id").first()
    assert family is not None
    record = IssuedToken.objects.get(family=family, sequence=0)
    assert record.issued_at == family.issued_at == RefreshKey.objects.get(family=family, sequence=0).created_at


def test_d23_expires_in_is_in_whole_seconds_at_every_issue(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format, access=60)
    for moment in (0.0, 0.25, 0.999_999):
        told = world.issue(key(world), at=moment).as_json()["expires_in"]
        assert type(told) is int
        # A JWT's own exp has whole seconds, so a begun second is not counted.
        assert told in ({60} if token_format == "opaque" or not moment else {59})


# ---------------------------------------------------------------------------------------------- two modes (D26)


def test_d26_in_own_mode_the_key_of_the_proxy_obtains_tokens_and_a_credential_does_not(world: World) -> None:
    shop = world.credential("shop", world.orders)
    catalogue.set_mode(world.orders, "own", by="test", at=START)
    assert world.issue(key(world)).access_token
    with pytest.raises(errors.ManagementMismatch):
        world.issue(shop, target="orders")


def test_d26_in_credential_mode_a_granted_credential_obtains_tokens_and_the_proxys_key_does_not(world: World) -> None:
    shop = world.credential("shop", world.orders, access_token_lifetime_secs=77)
    assert world.issue(shop, target="orders").expires_in == 77  # its own policy, not the proxy's
    with pytest.raises(errors.ManagementMismatch):
        world.issue(key(world))
    assert world.log()[-1].reason == "management_mismatch"


def test_d26_from_outside_the_wrong_mode_looks_like_a_failed_authentication(world: World) -> None:
    world.credential("shop", world.orders)
    wrong_mode = call("/oauth2/token", {"grant_type": "client_credentials"}, client=key(world))
    wrong_secret = call("/oauth2/token", {"grant_type": "client_credentials"}, client=Client(key(world).client_id, "x"))
    assert (wrong_mode.status, wrong_mode.json) == (wrong_secret.status, wrong_secret.json)
    assert wrong_mode.json["error"] == "invalid_client"
    assert wrong_mode.json["error_code"] == "client_auth_failed"


def test_d26_a_switch_of_mode_refuses_tokens_of_the_other_while_it_is_so(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format, access=600, refresh=600)
    token = world.issue(key(world))
    catalogue.set_mode(world.orders, "credentials", by="test", at=START)
    assert world.verify(token, at=1).reason == "management_mismatch"
    with pytest.raises(errors.ManagementMismatch):
        world.refresh(key(world), token.refresh_token, at=1)
    catalogue.set_mode(world.orders, "own", by="test", at=START)
    assert world.good(token, at=2)
    assert world.refresh(key(world), token.refresh_token, at=3).access_token


def test_d26_the_groups_key_obtains_tokens_under_the_groups_policy(world: World) -> None:
    world.policy(world.commerce, access=33)
    token = world.issue(world.key_of(world.commerce))
    assert token.expires_in == 33
    assert TokenFamily.objects.get().group == world.commerce


# ---------------------------------------------------------------------------------------------- targets and scopes


def test_d14_a_credential_reaches_exactly_its_unexpired_grants(world: World) -> None:
    shop = world.credential("shop", world.orders, world.commerce)
    assert world.issue(shop, target="orders").access_token
    assert world.issue(shop, target=world.commerce.audience).access_token
    for target in ("billing", "nobody", "", world.billing.audience):
        with pytest.raises(errors.InvalidTarget):
            world.issue(shop, target=target)
    with pytest.raises(errors.InvalidTarget):
        world.issue(shop)  # two targets and none named


def test_d14_a_grant_that_has_ended_gives_no_token(world: World) -> None:
    shop = world.credential("shop", world.orders)
    credential = world.credentials["shop"]
    clients.grant(to=credential, target=world.orders, expires_on=date(2026, 1, 2), by="test", at=START)
    assert world.issue(shop).access_token
    midnight = 12 * 3600
    assert world.issue(shop, at=midnight - 1).access_token
    for target in (None, "orders"):
        with pytest.raises(errors.InvalidTarget):
            world.issue(shop, at=midnight, target=target)
    made = clients.grant(to=credential, target=world.orders, by="test", at=START)
    assert world.issue(shop, at=midnight).access_token
    clients.withdraw(made, by="test", at=START)
    with pytest.raises(errors.InvalidTarget):
        world.issue(shop, at=midnight)


def test_d14_an_inactive_or_expired_credential_gets_nothing_while_it_is_so(world: World) -> None:
    shop = world.credential("shop", world.orders)
    credential = world.credentials["shop"]
    clients.deactivate(credential, by="test", at=START)
    with pytest.raises(errors.CredentialInactive):
        world.issue(shop)
    clients.reactivate(credential, by="test", at=START)
    assert world.issue(shop).access_token
    clients.change_credential(credential, by="test", at=START, expires_on=date(2026, 1, 1))
    with pytest.raises(errors.CredentialExpired):
        world.issue(shop)
    clients.change_credential(credential, by="test", at=START, expires_on=None)
    assert world.issue(shop).access_token


def test_a_proxys_key_gets_no_token_for_another_target(world: World) -> None:
    assert world.issue(key(world), target="orders").access_token
    assert world.issue(key(world), target=world.orders.audience).access_token
    for target in ("billing", "commerce", "nobody"):
        with pytest.raises(errors.InvalidTarget):
            world.issue(key(world), target=target)


def test_d39_left_out_means_all_and_nothing_defined_means_access(world: World) -> None:
    assert world.issue(key(world)).scope == "read write"
    assert world.issue(key(world), scope="write").scope == "write"
    catalogue.change_proxy(world.orders, by="test", at=START, scopes="")
    assert world.issue(key(world)).scope == "access"


@pytest.mark.parametrize("asked", ["admin", "read admin", "READ", "access"])
def test_d39_a_scope_that_is_unknown_is_refused(world: World, asked: str) -> None:
    with pytest.raises(errors.InvalidScope):
        world.issue(key(world), scope=asked)
    assert world.log()[-1].reason == "invalid_scope"


def test_d39_a_grant_narrows_what_there_is(world: World) -> None:
    shop = world.credential("shop", world.orders)
    clients.grant(to=world.credentials["shop"], target=world.orders, scopes="read", by="test", at=START)
    assert world.issue(shop).scope == "read"
    with pytest.raises(errors.InvalidScope):
        world.issue(shop, scope="write")


def test_d11_a_token_is_asked_for_only_where_the_holder_is_deployed(world: World) -> None:
    deployment.undeploy(world.orders, world.test, by="test", at=START)
    with pytest.raises(errors.HolderUndeployed):
        world.issue(key(world))
    assert world.issue(key(world), environment="live").access_token
    with pytest.raises(errors.UnknownEnvironment):
        world.issue(key(world), environment="nowhere")
