"""Issue: who asks, what is logged, and what stays of those that a token was issued for."""

import re
from unittest import mock

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from credentials import clients, secrets
from credentials.errors import AddressNotAllowed, ClientAuthenticationFailed
from proxies import catalogue, deployment
from proxies.errors import Archived, NameTaken
from proxies.models import ApiProxy
from tests.tokens.lifecycle.refreshed import key
from tests.world import START, World, call, later
from tokens import errors, lifecycle
from tokens.lifecycle import Client, Request, audit, issuing, refreshing
from tokens.models import IssuedToken, RefreshKey, TokenFamily
from tokens.statements import log

# ---------------------------------------------------------------------------------------------- who asks, and the log


def test_d10_a_refused_client_gets_the_same_answer_for_every_reason(world: World) -> None:
    good = key(world)
    for client in (Client(good.client_id, "wrong"), Client("nobody", good.secret), Client(good.client_id, "")):
        with pytest.raises(ClientAuthenticationFailed):
            world.issue(client)
    assert [row.reason for row in world.log()] == ["client_auth_failed"] * 3


def test_a_clients_addresses_are_kept(world: World) -> None:
    credential = world.credentials["orders"]
    clients.change_credential(credential, by="test", at=START, allowed_addresses="198.51.100.0/24 2001:db8::1")
    with pytest.raises(AddressNotAllowed):
        world.issue(key(world))
    for address in ("198.51.100.9", "2001:db8::1"):
        assert lifecycle.issue(key(world), request=Request(address=address), at=START).access_token


def test_d18_rotating_a_secret_lets_tokens_and_both_secrets_live(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format, access=600, refresh=600)
    credential, old = world.credentials["orders"], key(world)
    token = world.issue(old)
    new = Client(old.client_id, clients.rotate_secret(credential, by="test", retire_old_at=later(100), at=START))
    assert world.good(token, at=1)
    for client in (old, new):
        assert world.issue(client, at=99).access_token
    with pytest.raises(ClientAuthenticationFailed):
        world.issue(old, at=100)
    assert world.refresh(new, token.refresh_token, at=101).access_token
    assert credential.key_generation == 1


def test_d18_changing_a_secret_replaces_both_and_raises_the_generation(world: World) -> None:
    credential, old = world.credentials["orders"], key(world)
    second = Client(old.client_id, clients.rotate_secret(credential, by="test", at=START))
    new = Client(old.client_id, clients.change_key(credential, by="test", at=START))
    assert credential.key_generation == 2
    for client in (old, second):
        with pytest.raises(ClientAuthenticationFailed):
            world.issue(client)
    assert world.issue(new).access_token


@pytest.mark.parametrize("grant", ["password", "implicit", "authorization_code"])
def test_d21_there_is_no_password_grant_at_the_oauth2_endpoint(world: World, grant: str) -> None:
    form = {"grant_type": grant, "username": "ada", "password": "secret"}
    refused = call("/oauth2/token", form, client=key(world))
    assert refused.status == 400
    assert refused.json["error"] == "unsupported_grant_type"
    advertised = call("/.well-known/oauth-authorization-server", method="GET").json["grant_types_supported"]
    assert grant not in advertised


def test_d24_each_issue_granted_or_refused_leaves_exactly_one_row_without_the_token(world: World) -> None:
    token = world.issue(key(world), target="orders")
    with pytest.raises(ClientAuthenticationFailed):
        world.issue(Client("nobody", "lk_cs_nothing"))
    granted, refused = world.log()
    record = IssuedToken.objects.get()
    assert (granted.action, granted.outcome, granted.status) == ("issue", "granted", 200)
    assert (granted.jti, granted.family_id, granted.proxy) == (record.jti, record.family_id, "orders")
    assert granted.fingerprint == secrets.fingerprint(token.access_token)
    assert (refused.outcome, refused.reason, refused.status) == ("refused", "client_auth_failed", 401)
    told = repr([vars(row) for row in world.log()])
    for secret in (token.access_token, token.refresh_token, key(world).secret, "lk_cs_nothing"):
        assert secret is not None
        assert secret not in told


def no_row(entry: audit.Entry) -> log.LogRow:
    """What the database refuses: a row that does not say what was done."""
    return audit.row_of(entry)._replace(action=None)


def test_d24_if_the_row_cannot_be_written_no_token_is_handed_out(world: World) -> None:
    with mock.patch.object(issuing, "row_of", no_row), pytest.raises(IntegrityError), transaction.atomic():
        world.issue(key(world))
    assert not TokenFamily.objects.exists()
    assert not IssuedToken.objects.exists()
    with mock.patch.object(issuing.statements, "write_all", side_effect=DatabaseError):
        answer = call("/oauth2/token", {"grant_type": "client_credentials"}, client=key(world))
    assert answer.status == 503
    assert answer.json["error"] == "server_error"
    assert b"access_token" not in answer.body


def test_d24_if_the_row_cannot_be_written_nothing_is_refreshed(world: World) -> None:
    token = world.issue(key(world))
    with mock.patch.object(refreshing, "row_of", no_row), pytest.raises(IntegrityError), transaction.atomic():
        world.refresh(key(world), token.refresh_token)
    assert TokenFamily.objects.get().sequence == 0
    assert (IssuedToken.objects.count(), RefreshKey.objects.count(), len(world.log())) == (1, 1, 1)
    assert world.refresh(key(world), token.refresh_token).refresh_token


def test_d24_names_are_copied_so_a_renamed_and_archived_proxy_changes_no_row(world: World) -> None:
    world.issue(key(world))
    before = vars(world.log()[0])
    catalogue.change_proxy(world.orders, by="test", at=START, name="Something else")
    catalogue.archive(world.orders, by="test", at=START)
    after = vars(world.log()[0])
    before.pop("_state")
    after.pop("_state")
    assert after == before


def test_d37_an_oauth2_refresh_token_is_opaque_also_beside_a_jwt(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format)
    token = world.issue(key(world))
    assert token.refresh_token is not None
    assert secrets.kind_of(token.refresh_token) == secrets.REFRESH_TOKEN
    assert re.fullmatch(r"lk_rt_[0-9a-f]{72}", token.refresh_token)
    if token_format == "opaque":
        assert secrets.kind_of(token.access_token) == secrets.ACCESS_TOKEN
    else:
        assert token.access_token.count(".") == 2


def test_d43_a_holder_is_archived_and_can_no_longer_be_used_or_deployed(world: World) -> None:
    token = world.issue(key(world))
    catalogue.archive(world.orders, by="test", at=START)
    assert not world.good(token, at=1)
    with pytest.raises(errors.HolderUndeployed):
        world.issue(key(world))
    with pytest.raises(Archived):
        deployment.deploy(world.orders, world.test, by="test", at=START)
    with pytest.raises(Archived):
        catalogue.archive(world.orders, by="test", at=START)


def test_d43_slug_and_audience_are_never_used_again(world: World) -> None:
    catalogue.archive(world.orders, by="test", at=START)
    with pytest.raises(NameTaken):
        catalogue.add_proxy(name="New", slug="orders", by="test", at=START)
    with pytest.raises(NameTaken):
        catalogue.add_proxy(name="New", slug="new", audience=world.orders.audience, by="test", at=START)
    with pytest.raises(NameTaken):
        catalogue.add_group(name="New", slug="orders", by="test", at=START)
    assert catalogue.add_proxy(name="New", slug="new", by="test", at=START).slug == "new"


def test_d43_neither_slug_nor_audience_can_be_changed_and_holders_have_an_owner(world: World) -> None:
    for field in ("slug", "audience"):
        with pytest.raises(Exception, match=field):
            catalogue.change_proxy(world.orders, by="test", at=START, **{field: "other"})
    catalogue.change_proxy(world.orders, by="test", at=START, owner_name="Team Blue", owner_email="blue@example.org")
    assert ApiProxy.objects.get(slug="orders").owner_email == "blue@example.org"


def test_d43_the_database_itself_keeps_a_holder_for_which_a_token_was_issued(world: World) -> None:
    world.issue(key(world))
    with pytest.raises(IntegrityError), transaction.atomic():
        world.orders.delete()
