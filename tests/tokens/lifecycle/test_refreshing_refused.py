"""Refresh: what is refused, in which order, and that nothing is used up by it (D5-D39)."""

from datetime import date

import pytest

from credentials import clients, secrets
from credentials.errors import ClientAuthenticationFailed
from proxies import catalogue, deployment
from tests.tokens.lifecycle.refreshed import everything, key, terms
from tests.world import REQUEST, START, World, call, later
from tokens import errors, lifecycle, policies
from tokens.lifecycle import Client
from tokens.models import RefreshKey, TokenFamily, TokenPolicy


def test_d5_switching_refresh_off_or_suspending_the_policy_refuses_refresh_at_once(
    world: World, token_format: str
) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    world.policy(world.orders, access=60, refresh_allowed=False, format=token_format)
    with pytest.raises(errors.RefreshNotAllowed):
        world.refresh(key(world), first.refresh_token, at=1)
    assert world.good(first, at=1)
    terms(world, format=token_format)
    second = world.refresh(key(world), first.refresh_token, at=2)
    policy = TokenPolicy.objects.get(proxy=world.orders)
    policies.suspend(policy, by="test", at=START)
    for raw in (first.refresh_token, second.refresh_token):  # the retry of the first as well
        with pytest.raises(errors.RefreshNotAllowed):
            world.refresh(key(world), raw, at=3)
    policies.resume(policy, by="test", at=START)
    assert world.refresh(key(world), second.refresh_token, at=4).access_token


def test_d6_an_explicit_revocation_ends_every_jwt_copy_at_once(world: World) -> None:
    terms(world, format="jwt")
    first = world.issue(key(world))
    second = world.refresh(key(world), first.refresh_token, at=1)
    assert world.good(first, at=2)
    lifecycle.revoke_family(TokenFamily.objects.get(), by="admin", because="test", request=REQUEST, at=later(3))
    for token in (first, second):
        assert world.verify(token, at=4).reason == "token_revoked"
        told = lifecycle.introspect(key(world), token.access_token, request=REQUEST, at=later(4))
        assert told == {"active": False}


def test_d7_refresh_state_is_in_the_database_for_jwt_families_too(world: World) -> None:
    terms(world, format="jwt")
    first = world.issue(key(world))
    world.refresh(key(world), first.refresh_token, at=1)
    family = TokenFamily.objects.get()
    assert (family.token_format, family.sequence) == ("jwt", 1)
    rows = RefreshKey.objects.order_by("sequence").values_list("sequence", "parent__sequence")
    assert list(rows) == [(0, None), (1, 0)]
    assert first.refresh_token is not None
    assert RefreshKey.objects.get(sequence=0).token_hash == secrets.digest(first.refresh_token)


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_d9_past_the_end_of_the_family_every_refresh_is_expired(world: World, token_format: str, mode: str) -> None:
    terms(world, count=None, family=200, format=token_format, mode=mode)
    answer = world.issue(key(world))
    answer = world.refresh(key(world), answer.refresh_token, at=100)
    answer = world.refresh(key(world), answer.refresh_token, at=170)
    assert answer.expires_in == 30
    assert world.good(answer, at=199)
    assert not world.good(answer, at=200)
    for moment in (200, 201, 300):
        with pytest.raises(errors.RefreshTokenExpired):
            world.refresh(key(world), answer.refresh_token, at=moment)


def test_d10_a_refused_client_does_not_use_the_token_up(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    before = everything()
    with pytest.raises(ClientAuthenticationFailed):
        world.refresh(Client(key(world).client_id, "wrong"), first.refresh_token, at=1)
    assert everything() == before
    assert world.refresh(key(world), first.refresh_token, at=2).access_token


def test_d10_a_foreign_token_is_not_found_and_not_used_up_also_where_it_was_spent(world: World) -> None:
    terms(world)
    first = world.issue(key(world))
    with pytest.raises(errors.TokenNotFound):
        world.refresh(world.key_of(world.billing), first.refresh_token, at=1)
    second = world.refresh(key(world), first.refresh_token, at=2)
    with pytest.raises(errors.TokenNotFound):  # not reused: a foreigner must not be able to revoke a family
        world.refresh(world.key_of(world.billing), first.refresh_token, at=50)
    assert world.refresh(key(world), second.refresh_token, at=51).access_token


def test_d10_in_another_environment_the_token_is_not_found(world: World) -> None:
    terms(world)
    first = world.issue(key(world))
    with pytest.raises(errors.TokenNotFound):
        world.refresh(key(world), first.refresh_token, at=1, environment="live")
    assert world.refresh(key(world), first.refresh_token, at=2).access_token


def test_d10_the_order_of_checks_end_to_end(world: World, token_format: str) -> None:
    """Every fault at once, and then taken away one by one: what is left is always the next of D10's order."""
    terms(world, count=1, refresh=20, format=token_format)
    credential = world.credentials["orders"]
    first = world.issue(key(world))
    answer = world.refresh(key(world), first.refresh_token, at=15)
    policy = TokenPolicy.objects.get(proxy=world.orders)
    policies.suspend(policy, by="test", at=START)
    clients.deactivate(credential, by="test", at=START)
    family = TokenFamily.objects.get()
    TokenFamily.objects.update(revoked_at=START)
    raw = first.refresh_token

    def refused_as(refusal: type[Exception], client: Client, raw: str | None, at: float) -> None:
        with pytest.raises(refusal):
            world.refresh(client, raw, at=at)

    refused_as(ClientAuthenticationFailed, Client(key(world).client_id, "wrong"), raw, 22)
    refused_as(errors.TokenNotFound, world.key_of(world.billing), raw, 22)
    refused_as(errors.RefreshTokenRevoked, key(world), raw, 22)
    TokenFamily.objects.filter(pk=family.pk).update(revoked_at=None)
    refused_as(errors.RefreshNotAllowed, key(world), raw, 22)
    policies.resume(policy, by="test", at=START)
    refused_as(errors.CredentialInactive, key(world), raw, 22)
    clients.reactivate(credential, by="test", at=START)
    again = world.refresh(key(world), raw, at=22)  # the retry, before the expiry at 20
    assert again.refresh_token == answer.refresh_token
    refused_as(errors.RefreshTokenExpired, key(world), raw, 25)  # expired before reused
    assert TokenFamily.objects.get().revoked_at is None
    refused_as(errors.RefreshTokenExpired, key(world), answer.refresh_token, 35)  # expired before count
    refused_as(errors.RefreshCountExceeded, key(world), answer.refresh_token, 34)


def test_d10_a_revoked_family_never_answers_a_retry(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    world.refresh(key(world), first.refresh_token, at=1)
    lifecycle.revoke_family(TokenFamily.objects.get(), by="admin", because="test", request=REQUEST, at=later(2))
    with pytest.raises(errors.RefreshTokenRevoked):
        world.refresh(key(world), first.refresh_token, at=2)


@pytest.mark.parametrize("event", ["undeployed", "key changed", "inactive", "expired"])
def test_d10_an_invalid_holder_refuses_the_refresh_and_uses_nothing_up(
    world: World, token_format: str, event: str
) -> None:
    terms(world, format=token_format)
    client, credential = key(world), world.credentials["orders"]
    first = world.issue(client)
    refusal: type[errors.TokenError]
    if event == "undeployed":
        deployment.undeploy(world.orders, world.test, by="test", at=START)
        refusal = errors.HolderUndeployed
    elif event == "key changed":
        client = Client(client.client_id, clients.change_key(credential, by="test", at=START))
        refusal = errors.HolderKeyChanged
    elif event == "inactive":
        clients.deactivate(credential, by="test", at=START)
        refusal = errors.CredentialInactive
    else:
        clients.change_credential(credential, by="test", at=START, expires_on=date(2026, 1, 1))
        refusal = errors.CredentialExpired
    before = everything()
    with pytest.raises(refusal):
        world.refresh(client, first.refresh_token, at=1)
    assert everything() == before
    assert world.log()[-1].reason == refusal.code


def test_d15_nothing_refreshes_a_token_that_never_expires(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format, never_expires=True)
    token = world.issue(key(world))
    with pytest.raises(errors.WrongTokenKind):
        world.refresh(key(world), token.access_token, at=1)


def test_d23_expires_in_is_in_whole_seconds_at_every_refresh(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    for raw, moment in ((first.refresh_token, 0.3), (first.refresh_token, 5.123_456)):
        told = world.refresh(key(world), raw, at=moment).as_json()["expires_in"]
        assert type(told) is int


def test_d24_each_refresh_granted_refused_or_answered_again_leaves_exactly_one_row(
    world: World, token_format: str
) -> None:
    terms(world, count=1, format=token_format)
    first = world.issue(key(world))
    answer = world.refresh(key(world), first.refresh_token, at=1)
    world.refresh(key(world), first.refresh_token, at=2)
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), answer.refresh_token, at=3)
    with pytest.raises(errors.TokenNotFound):
        world.refresh(key(world), answer.refresh_token, at=4)
    told = [(row.action, row.outcome, row.reason) for row in world.log()]
    assert told == [
        ("issue", "granted", ""),
        ("refresh", "granted", ""),
        ("refresh", "granted", "retry"),
        ("refresh", "refused", "refresh_count_exceeded"),
        ("refresh", "refused", "token_not_found"),
    ]
    stored = repr([vars(row) for row in world.log()])
    for raw in (first.access_token, first.refresh_token, answer.access_token, answer.refresh_token):
        assert raw is not None
        assert raw not in stored


def test_d37_an_access_token_cannot_refresh_nor_anything_of_another_kind(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    token = world.issue(key(world))
    for raw in (token.access_token, key(world).secret, secrets.make(secrets.CONNECTION_TOKEN), "a.b.c"):
        with pytest.raises(errors.WrongTokenKind):
            world.refresh(key(world), raw, at=1)
    answer = call(
        "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token.access_token}, client=key(world)
    )
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
    assert answer.json["error_code"] == "wrong_token_kind"


def test_d37_a_refresh_token_opens_no_api(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    token = world.issue(key(world))
    assert token.refresh_token is not None
    assert world.verify(token.refresh_token, at=1).reason == "wrong_token_kind"


def test_d39_a_refresh_may_narrow_and_never_widen(world: World, token_format: str) -> None:
    terms(world, count=None, format=token_format)
    token = world.issue(key(world), scope="read")
    with pytest.raises(errors.InvalidScope):
        world.refresh(key(world), token.refresh_token, at=1, scope="read write")
    full = world.issue(key(world))
    narrow = world.refresh(key(world), full.refresh_token, at=1, scope="read")
    assert narrow.scope == "read"
    assert world.verify(narrow, at=1).scopes == "read"
    # What was granted at issue can be had again: narrowing concerns one access token (RFC 6749 section 6).
    assert world.refresh(key(world), narrow.refresh_token, at=2).scope == "read write"


def test_d39_a_refresh_gives_no_scope_that_is_not_granted_any_more(world: World, token_format: str) -> None:
    terms(world, count=None, format=token_format)
    token = world.issue(key(world))
    catalogue.change_proxy(world.orders, by="test", at=START, scopes="read other")
    answer = world.refresh(key(world), token.refresh_token, at=1)
    assert answer.scope == "read"
    with pytest.raises(errors.InvalidScope):
        world.refresh(key(world), answer.refresh_token, at=2, scope="write")
