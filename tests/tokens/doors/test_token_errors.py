"""POST /oauth2/token: the whole error table of the specification."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from credentials import clients
from proxies import catalogue, deployment
from tests.tokens.doors.asking import (
    TOKEN,
    ask_refresh,
    ask_token,
    check_error,
    last_row,
    rows,
    tokens_of,
)
from tests.world import Answered, World, call
from tokens import policies, signing
from tokens.lifecycle import Client
from tokens.models import RateLimitWindow, RefreshKey, TokenPolicy

YESTERDAY = timedelta(days=-1)


# --- The error table, row by row --------------------------------------------------------------------------------------


def wrong_secret(world: World) -> Answered:
    return ask_token(Client(world.key_of(world.orders).client_id, "wrong"))


def unknown_client(world: World) -> Answered:
    return ask_token(Client("nobody", world.key_of(world.orders).secret))


def no_authentication(world: World) -> Answered:
    return ask_token(None)


def two_ways(world: World) -> Answered:
    client = world.key_of(world.orders)
    return ask_token(client, client_id=client.client_id, client_secret=client.secret)


def no_grant_type(world: World) -> Answered:
    return call(TOKEN, {}, client=world.key_of(world.orders))


def no_refresh_token(world: World) -> Answered:
    return call(TOKEN, {"grant_type": "refresh_token"}, client=world.key_of(world.orders))


def repeated_parameter(world: World) -> Answered:
    form = [("grant_type", "client_credentials"), ("scope", "read"), ("scope", "read")]
    return call(TOKEN, form, client=world.key_of(world.orders))


def token_in_url(world: World) -> Answered:
    client, _, refresh = tokens_of(world)
    return call(TOKEN, {"grant_type": "refresh_token"}, client=client, query=f"refresh_token={refresh}")


def suspended(world: World) -> Answered:
    policies.suspend(TokenPolicy.objects.get(proxy=world.orders), by="test")
    return ask_token(world.key_of(world.orders))


def without_policy(world: World) -> Answered:
    TokenPolicy.objects.filter(proxy=world.orders).delete()
    return ask_token(world.key_of(world.orders))


def unknown_grant(world: World) -> Answered:
    return ask_token(world.key_of(world.orders), grant_type="urn:ietf:params:oauth:grant-type:device_code")


def refresh_switched_off(world: World) -> Answered:
    client, _, refresh = tokens_of(world)
    world.policy(world.orders, access=60, refresh_allowed=False)
    return ask_refresh(client, refresh)


def past_the_count(world: World) -> Answered:
    world.policy(world.orders, access=60, refresh=180, count=1)
    client, _, refresh = tokens_of(world)
    return ask_refresh(client, ask_refresh(client, refresh).json["refresh_token"])


def cleared(world: World) -> Answered:
    world.policy(world.orders, access=60, refresh=180, count=1)
    client, _, refresh = tokens_of(world)
    successor = ask_refresh(client, refresh).json["refresh_token"]
    ask_refresh(client, successor)
    return ask_refresh(client, successor)


def foreign(world: World) -> Answered:
    _, _, refresh = tokens_of(world)
    return ask_refresh(world.key_of(world.billing), refresh)


def unknown_refresh_token(world: World) -> Answered:
    return ask_refresh(world.key_of(world.orders), "something else")


def of_another_environment(world: World) -> Answered:
    client, _, refresh = tokens_of(world)
    return ask_refresh(client, refresh, "/env/live/oauth2/token")


def revoked(world: World) -> Answered:
    client, _, refresh = tokens_of(world)
    assert call("/oauth2/revoke", {"token": refresh}, client=client).status == 200
    return ask_refresh(client, refresh)


def elsewhere(world: World) -> Answered:
    clients.change_credential(world.credentials["orders"], by="test", allowed_addresses="198.51.100.0/24")
    return ask_token(world.key_of(world.orders))


def undeployed_at_issue(world: World) -> Answered:
    deployment.undeploy(world.orders, world.test, by="test")
    return ask_token(world.key_of(world.orders))


def undeployed_credential_at_issue(world: World) -> Answered:
    client = world.credential("shop", world.orders)
    clients.undeploy(world.credentials["shop"], world.test, by="test")
    return ask_token(client)


def not_a_form(world: World) -> Answered:
    body = json.dumps({"grant_type": "client_credentials"}).encode()
    return call(TOKEN, body, client=world.key_of(world.orders), CONTENT_TYPE="application/json")


def expired(world: World) -> Answered:
    client, _, refresh = tokens_of(world)
    RefreshKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return ask_refresh(client, refresh)


def reused(world: World) -> Answered:
    world.policy(world.orders, access=60, refresh=180, count=3, window=0)
    client, _, refresh = tokens_of(world)
    assert ask_refresh(client, refresh).status == 200
    return ask_refresh(client, refresh)


def access_token_as_refresh_token(world: World) -> Answered:
    client, access, _ = tokens_of(world)
    return ask_refresh(client, access)


def jwt_as_refresh_token(world: World) -> Answered:
    world.policy(world.orders, format="jwt")
    client, access, _ = tokens_of(world)
    return ask_refresh(client, access)


def undeployed_at_refresh(world: World) -> Answered:
    client, _, refresh = tokens_of(world)
    deployment.undeploy(world.orders, world.test, by="test")
    return ask_refresh(client, refresh)


def key_changed(world: World) -> Answered:
    client, _, refresh = tokens_of(world)
    secret = clients.change_key(world.credentials["orders"], by="test")
    return ask_refresh(Client(client.client_id, secret), refresh)


def inactive_at_issue(world: World) -> Answered:
    clients.deactivate(world.credentials["orders"], by="test")
    return ask_token(world.key_of(world.orders))


def inactive_at_refresh(world: World) -> Answered:
    client, _, refresh = tokens_of(world)
    clients.deactivate(world.credentials["orders"], by="test")
    return ask_refresh(client, refresh)


def credential_expired_at_issue(world: World) -> Answered:
    credential = world.credentials["orders"]
    clients.change_credential(credential, by="test", expires_on=(timezone.now() + YESTERDAY).date())
    return ask_token(world.key_of(world.orders))


def credential_expired_at_refresh(world: World) -> Answered:
    client, _, refresh = tokens_of(world)
    credential = world.credentials["orders"]
    clients.change_credential(credential, by="test", expires_on=(timezone.now() + YESTERDAY).date())
    return ask_refresh(client, refresh)


def signing_key_changed(world: World) -> Answered:
    world.policy(world.orders, format="jwt")
    client, _, refresh = tokens_of(world)
    signing.change(world.test, by="test")
    return ask_refresh(client, refresh)


def unknown_target(world: World) -> Answered:
    return ask_token(world.key_of(world.orders), resource="https://nowhere.example/")


def foreign_target(world: World) -> Answered:
    return ask_token(world.key_of(world.orders), resource=world.billing.audience)


def not_granted_target(world: World) -> Answered:
    client = world.credential("shop", world.orders)
    catalogue.set_mode(world.billing, "credentials", by="test")
    return ask_token(client, audience="billing")


def ambiguous_target(world: World) -> Answered:
    return ask_token(world.credential("shop", world.orders, world.billing))


def unknown_scope(world: World) -> Answered:
    return ask_token(world.key_of(world.orders), scope="read everything")


def scope_widened_at_refresh(world: World) -> Answered:
    client = world.key_of(world.orders)
    refresh = ask_token(client, scope="read").json["refresh_token"]
    return ask_refresh(client, refresh, scope="read write")


def other_mode(world: World) -> Answered:
    catalogue.set_mode(world.orders, "credentials", by="test")
    return ask_token(world.key_of(world.orders))


def unknown_environment(world: World) -> Answered:
    return ask_token(world.key_of(world.orders), "/env/nowhere/oauth2/token")


def password_grant(world: World) -> Answered:
    return ask_token(world.key_of(world.orders), grant_type="password", username="anna", password="secret")


Situation = Callable[[World], Answered]
ROWS: list[tuple[Situation, int, str, str | None]] = [
    (wrong_secret, 401, "invalid_client", "client_auth_failed"),
    (unknown_client, 401, "invalid_client", "client_auth_failed"),
    (no_authentication, 401, "invalid_client", "client_auth_failed"),
    (two_ways, 400, "invalid_request", None),
    (no_grant_type, 400, "invalid_request", None),
    (no_refresh_token, 400, "invalid_request", None),
    (repeated_parameter, 400, "invalid_request", None),
    (token_in_url, 400, "invalid_request", None),
    (suspended, 400, "unauthorized_client", "grant_not_allowed"),
    (without_policy, 400, "unauthorized_client", "grant_not_allowed"),
    (unknown_grant, 400, "unsupported_grant_type", None),
    (refresh_switched_off, 400, "invalid_grant", "refresh_not_allowed"),
    (past_the_count, 400, "invalid_grant", "refresh_count_exceeded"),
    (cleared, 400, "invalid_grant", "token_not_found"),
    (foreign, 400, "invalid_grant", "token_not_found"),
    (unknown_refresh_token, 400, "invalid_grant", "token_not_found"),
    (of_another_environment, 400, "invalid_grant", "token_not_found"),
    (revoked, 400, "invalid_grant", "refresh_token_revoked"),
    (elsewhere, 401, "invalid_client", "address_not_allowed"),
    (undeployed_at_issue, 400, "unauthorized_client", "holder_undeployed"),
    (undeployed_credential_at_issue, 400, "unauthorized_client", "holder_undeployed"),
    (not_a_form, 400, "invalid_request", None),
    (expired, 400, "invalid_grant", "refresh_token_expired"),
    (reused, 400, "invalid_grant", "refresh_token_reused"),
    (access_token_as_refresh_token, 400, "invalid_grant", "wrong_token_kind"),
    (jwt_as_refresh_token, 400, "invalid_grant", "wrong_token_kind"),
    (undeployed_at_refresh, 400, "invalid_grant", "holder_undeployed"),
    (key_changed, 400, "invalid_grant", "holder_key_changed"),
    (inactive_at_issue, 400, "unauthorized_client", "credential_inactive"),
    (inactive_at_refresh, 400, "invalid_grant", "credential_inactive"),
    (credential_expired_at_issue, 400, "unauthorized_client", "credential_expired"),
    (credential_expired_at_refresh, 400, "invalid_grant", "credential_expired"),
    (signing_key_changed, 400, "invalid_grant", "signing_key_changed"),
    (unknown_target, 400, "invalid_target", None),
    (foreign_target, 400, "invalid_target", None),
    (not_granted_target, 400, "invalid_target", None),
    (ambiguous_target, 400, "invalid_target", None),
    (unknown_scope, 400, "invalid_scope", None),
    (scope_widened_at_refresh, 400, "invalid_scope", None),
    # D26: from outside like any failed authentication
    (other_mode, 401, "invalid_client", "client_auth_failed"),
    (unknown_environment, 404, "invalid_request", "unknown_environment"),
    (password_grant, 400, "unsupported_grant_type", None),
]


@pytest.mark.parametrize(("situation", "status", "error", "error_code"), ROWS, ids=[row[0].__name__ for row in ROWS])
def test_r11_each_row_of_the_error_table_is_answered_exactly(world, situation, status, error, error_code):
    answered = situation(world)

    check_error(answered, status, error, error_code)
    row = last_row()
    assert (row.outcome, row.status) == ("refused", status)
    # What the table leaves out, the log names all the same; what outside must not see is named there alone (D26).
    assert row.reason == ("management_mismatch" if situation is other_mode else error_code or error)


def test_r11_an_error_code_is_left_out_where_it_would_repeat_the_error(world):
    assert "error_code" not in unknown_scope(world).json


def test_d24_a_caller_past_the_limit_gets_429_and_retry_after_and_a_count_instead_of_a_row(world, settings):
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 2
    client = world.key_of(world.orders)
    limited = None
    # A minute may turn in between.
    for _ in range(6):
        limited = ask_token(client)
        if limited.status == 429:
            break
    assert limited is not None
    before = rows()

    check_error(limited, 429, "temporarily_unavailable", "rate_limited")

    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    assert rows() == before
    assert RateLimitWindow.objects.filter(refused__gt=0, bucket="token").count() == 1
