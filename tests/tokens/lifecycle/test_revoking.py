"""Revoke: by the client, and by people; what ends, what stays, and that it stays ended."""

import pytest

from credentials import clients, users
from credentials.errors import ClientAuthenticationFailed
from proxies import catalogue
from tests.world import REQUEST, START, World, call, later
from tokens import errors, lifecycle
from tokens.impact import impact
from tokens.lifecycle import Client, TokenAnswer
from tokens.models import IssuedToken, RefreshKey, TokenFamily, TokenRequestLog


def key(world: World) -> Client:
    return world.key_of(world.orders)


def issue(world: World, token_format: str) -> TokenAnswer:
    world.policy(world.orders, access=600, refresh=600, format=token_format)
    return world.issue(key(world))


def revoke(world: World, raw: str | None, at: float = 1, client: Client | None = None) -> None:
    assert raw is not None
    lifecycle.revoke(client or key(world), raw, request=REQUEST, at=later(at))


def test_d40_revoking_an_access_token_ends_that_token_alone(world: World, token_format: str) -> None:
    token = issue(world, token_format)
    revoke(world, token.access_token)
    assert world.verify(token, at=2).reason == "token_revoked"
    answer = world.refresh(key(world), token.refresh_token, at=2)
    assert world.good(answer, at=2)


def test_d40_revoking_a_refresh_token_ends_the_family(world: World, token_format: str) -> None:
    first = issue(world, token_format)
    second = world.refresh(key(world), first.refresh_token, at=0)
    revoke(world, second.refresh_token)
    for token in (first, second):
        assert world.verify(token, at=2).reason == "token_revoked"
        with pytest.raises(errors.RefreshTokenRevoked):
            world.refresh(key(world), token.refresh_token, at=2)


def test_d40_a_spent_refresh_token_ends_the_family_as_well(world: World, token_format: str) -> None:
    first = issue(world, token_format)
    second = world.refresh(key(world), first.refresh_token, at=0)
    revoke(world, first.refresh_token)
    assert world.verify(second, at=2).reason == "token_revoked"


def test_d40_a_foreign_or_unknown_token_is_no_error_and_nothing_happens(world: World, token_format: str) -> None:
    token = issue(world, token_format)
    for raw in (token.access_token, token.refresh_token):
        revoke(world, raw, client=world.key_of(world.billing))
    for raw in ("nonsense", "a.b.c", "lk_at_" + "0" * 72):
        revoke(world, raw)
    assert world.good(token, at=2)
    assert world.refresh(key(world), token.refresh_token, at=2).access_token
    assert {row.reason for row in world.log() if row.action == "revoke"} == {"token_not_found"}
    answer = call("/oauth2/revoke", {"token": "nonsense"}, client=key(world))
    assert (answer.status, answer.body) == (200, b"")


def test_d40_the_key_of_the_proxy_may_ask_about_a_credentials_token_but_not_revoke_it(world: World) -> None:
    shop = world.credential("shop", world.orders)
    token = world.issue(shop)
    revoke(world, token.access_token)
    assert world.good(token, at=2)


def test_a_refused_client_revokes_nothing(world: World, token_format: str) -> None:
    token = issue(world, token_format)
    with pytest.raises(ClientAuthenticationFailed):
        revoke(world, token.access_token, client=Client(key(world).client_id, "wrong"))
    assert world.good(token, at=2)
    assert world.log()[-1].reason == "client_auth_failed"


def test_d6_an_explicit_revocation_is_honoured_at_once_by_jti_family_and_holder(world: World) -> None:
    world.policy(world.orders, format="jwt", access=600, refresh=600)
    by_jti, by_refresh_jti, by_family, by_holder = (world.issue(key(world)) for _ in range(4))
    families = list(TokenFamily.objects.order_by("id"))
    tokens = {family: IssuedToken.objects.get(family=family) for family in families}
    acts = {"by": "admin", "because": "test", "request": REQUEST, "at": later(1)}
    assert lifecycle.revoke_by_jti(tokens[families[0]].jti, **acts)
    assert lifecycle.revoke_by_jti(RefreshKey.objects.get(family=families[1]).jti, **acts)
    assert lifecycle.revoke_family(families[2], **acts)
    for token in (by_jti, by_refresh_jti, by_family):
        assert world.verify(token, at=1).reason == "token_revoked"
    assert world.good(by_holder, at=1)
    assert lifecycle.revoke_holder(world.orders, **acts) == 2  # those not ended before
    assert world.verify(by_holder, at=1).reason == "token_revoked"
    with pytest.raises(errors.TokenNotFound):
        lifecycle.revoke_by_jti("unknown", **acts)


def test_d6_revoking_a_holder_ends_all_its_families_and_nobody_elses(world: World, token_format: str) -> None:
    mine, group = issue(world, token_format), world.issue(world.key_of(world.commerce))
    other = world.issue(world.key_of(world.billing))
    acts = {"by": "admin", "because": "test", "request": REQUEST, "at": later(1)}
    assert lifecycle.revoke_holder(world.credentials["orders"], **acts) == 1
    assert lifecycle.revoke_holder(world.commerce, **acts) == 1
    assert lifecycle.revoke_holder(users.create_user(username="ada", password=None, by="test", at=START), **acts) == 0
    assert not world.good(mine, at=2)
    assert not world.good(group, at=2)
    assert world.good(other, world.billing, at=2)


def test_revoking_twice_keeps_the_first_time_actor_and_reason(world: World, token_format: str) -> None:
    issue(world, token_format)
    family, token = TokenFamily.objects.get(), IssuedToken.objects.get()
    for at, by, first in ((1, "ada", True), (2, "bob", False)):
        told = {"by": by, "because": f"said {by}", "request": REQUEST, "at": later(at)}
        assert lifecycle.revoke_token(token, **told) is first
        assert lifecycle.revoke_family(family, **told) is first
    for record in (TokenFamily.objects.get(), IssuedToken.objects.get()):
        assert (record.revoked_at, record.revoked_by, record.revoked_because) == (later(1), "ada", "said ada")


def test_i19_no_clock_brings_a_revoked_or_spent_token_back(world: World, token_format: str) -> None:
    revoked, spent = issue(world, token_format), issue(world, token_format)
    revoke(world, revoked.refresh_token, at=100)
    world.refresh(key(world), spent.refresh_token, at=100)
    for at in (-3_600, 0, 99, 100, 500):
        assert not world.good(revoked, at=at)
        with pytest.raises(errors.RefreshTokenRevoked):
            world.refresh(key(world), revoked.refresh_token, at=at)
        if token_format == "opaque":
            assert not world.good(spent, at=at)


def test_d24_each_revocation_leaves_exactly_one_row(world: World, token_format: str) -> None:
    token = issue(world, token_format)
    before = TokenRequestLog.objects.count()
    revoke(world, token.access_token)
    revoke(world, token.access_token)
    revoke(world, token.refresh_token)
    revoke(world, "nonsense")
    lifecycle.revoke_holder(world.orders, by="ada", because="test", request=REQUEST, at=later(9))
    rows = world.log()[before:]
    assert [row.reason for row in rows] == [
        "revoked",
        "revoked_before",
        "revoked",
        "token_not_found",
        "revoked_0_families",
    ]
    assert all(row.action == "revoke" for row in rows)


def test_d12_before_an_act_what_it_would_end_is_counted(world: World) -> None:
    world.policy(world.orders, never_expires=True)
    world.issue(key(world))
    world.policy(world.orders, access=600, refresh=600, format="jwt")
    world.issue(key(world))
    world.policy(world.orders, access=600, refresh=600)
    refreshed = world.issue(key(world))
    world.refresh(key(world), refreshed.refresh_token, at=1)
    world.issue(world.key_of(world.billing))
    ended = issue(world, "opaque")
    revoke(world, ended.refresh_token)
    IssuedToken.objects.filter(expires_at=None).update(last_used_at=later(1))
    found = impact(proxy=world.orders, environment=world.test, at=later(2))
    assert (found.opaque, found.jwt, found.never_expiring, found.refreshable) == (2, 1, 1, 2)
    assert (found.clients, found.used_in_last_hour) == (1, 1)
    assert found.top_callers == ((f"key of Orders ({key(world).client_id})", 3),)
    only_jwt = impact(environment=world.test, jwt_only=True, at=later(2))
    assert (only_jwt.opaque, only_jwt.jwt) == (0, 1)
    clients.change_key(world.credentials["orders"], by="test", at=later(3))
    assert impact(proxy=world.orders, at=later(4)).nothing


def test_d43_archiving_ends_every_token_and_keeps_every_record(world: World, token_format: str) -> None:
    token = issue(world, token_format)
    catalogue.archive(world.orders, by="test", at=later(1))
    assert not world.good(token, at=2)
    assert TokenFamily.objects.get().proxy == world.orders
    shop = world.credential("shop", world.billing, access_token_lifetime_secs=600, token_format=token_format)
    bought = world.issue(shop)
    clients.archive(world.credentials["shop"], by="test", at=later(1))
    assert world.verify(bought, world.billing, at=2).reason == "credential_inactive"
    with pytest.raises(ClientAuthenticationFailed):
        world.issue(shop, at=2)
