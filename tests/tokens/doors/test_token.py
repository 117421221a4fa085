"""POST /oauth2/token: the whole error table of the specification, and what a good answer looks like."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.utils import timezone

from credentials import clients
from credentials.models import Credential
from proxies import catalogue, deployment
from tests.tokens.doors.asking import (
    TOKEN,
    ask_refresh,
    ask_token,
    check_error,
    check_headers,
    last_row,
    rows,
    tokens_of,
    verify,
)
from tests.world import START, Answered, World, call
from tokens import policies, signing
from tokens.lifecycle import Client
from tokens.models import RateLimitWindow, RefreshKey, TokenFamily, TokenPolicy

YESTERDAY = timedelta(days=-1)


def credential_of(client: Client) -> Credential:
    return Credential.objects.get(client_id=client.client_id)


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


# --- Method, form, client authentication ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_r10_the_token_endpoint_takes_post_only(world, method):
    client = world.key_of(world.orders)

    answered = call(TOKEN, {"grant_type": "client_credentials"}, method=method, client=client)

    assert (answered.status, answered.headers["Allow"]) == (405, "POST")
    assert method == "HEAD" or answered.json["error"] == "invalid_request"
    assert answered.headers["Cache-Control"] == "no-store"
    assert (last_row().outcome, last_row().status, TokenFamily.objects.count()) == ("refused", 405, 0)


def test_r10_an_empty_parameter_is_a_missing_one_and_an_unknown_one_is_ignored(world):
    client = world.key_of(world.orders)

    assert ask_token(client, scope="", resource="", audience="", colour="blue").status == 200
    check_error(call(TOKEN, {"grant_type": ""}, client=client), 400, "invalid_request", None)
    check_error(ask_refresh(client, ""), 400, "invalid_request", None)


def test_r10_parameters_in_the_url_do_not_count(world):
    answered = call(TOKEN, {}, client=world.key_of(world.orders), query="grant_type=client_credentials")

    check_error(answered, 400, "invalid_request", None)


def test_r12_the_client_may_prove_itself_by_header_or_in_the_form(world):
    client = world.key_of(world.orders)

    by_header = ask_token(client)
    in_form = ask_token(None, client_id=client.client_id, client_secret=client.secret)
    named_twice = ask_token(client, client_id=client.client_id)

    assert [by_header.status, in_form.status, named_twice.status] == [200, 200, 200]


def basic(pair: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(pair.encode()).decode()}


def every_mark_encoded(value: str) -> str:
    return "".join(f"%{ord(mark):02X}" if not mark.isalnum() else mark for mark in value)


def test_r12_basic_is_understood_percent_encoded_and_raw(world):
    client = world.key_of(world.orders)
    changed = clients.change_key(world.credentials["orders"], by="test", client_id="orders-key_1.x~y")
    client = Client("orders-key_1.x~y", changed)

    raw = f"{client.client_id}:{client.secret}"
    encoded = f"{every_mark_encoded(client.client_id)}:{every_mark_encoded(client.secret)}"
    lower = f"{quote(client.client_id)}:{every_mark_encoded(client.secret).lower()}"

    assert encoded != raw
    for pair in (raw, encoded, lower):
        assert ask_token(None, more=basic(pair)).status == 200, pair


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_r12_the_scheme_is_taken_in_any_case(world, scheme):
    client = world.key_of(world.orders)
    value = base64.b64encode(f"{client.client_id}:{client.secret}".encode()).decode()

    assert ask_token(None, more={"HTTP_AUTHORIZATION": f"{scheme} {value}"}).status == 200


def test_r12_a_challenge_comes_only_where_the_header_was_tried(world):
    client = world.key_of(world.orders)
    wrong = Client(client.client_id, "wrong")

    by_header = ask_token(wrong)
    at_refresh = ask_refresh(wrong, "lk_rt_something")
    in_form = ask_token(None, client_id=client.client_id, client_secret="wrong")
    not_tried = ask_token(None)

    for answered in (by_header, at_refresh):
        assert answered.headers["WWW-Authenticate"] == 'Basic realm="latchkey"'
    for answered in (in_form, not_tried):
        assert answered.status == 401
        assert "WWW-Authenticate" not in answered.headers


@pytest.mark.parametrize("header", ["Basic", "Basic ", "Bearer abc", "Digest username=x", "nonsense"])
def test_r12_whatever_was_tried_by_header_is_refused_with_the_challenge_that_works(world, header):
    answered = ask_token(None, more={"HTTP_AUTHORIZATION": header})

    check_error(answered, 401, "invalid_client", "client_auth_failed")
    assert answered.headers["WWW-Authenticate"] == 'Basic realm="latchkey"'


def test_r12_a_header_of_another_scheme_beside_a_secret_in_the_form_is_two_ways(world):
    client = world.key_of(world.orders)

    answered = ask_token(
        None, more={"HTTP_AUTHORIZATION": "Bearer x"}, client_id=client.client_id, client_secret=client.secret
    )

    check_error(answered, 400, "invalid_request", None)


def test_r12_another_client_id_in_the_form_than_in_the_header_is_refused(world):
    answered = ask_token(world.key_of(world.orders), client_id=world.key_of(world.billing).client_id)

    check_error(answered, 400, "invalid_request", None)


@pytest.mark.parametrize("where", ["client_secret", "client_assertion", "password"])
def test_r12_a_secret_in_the_url_is_refused_even_beside_a_good_one(world, where):
    client = world.key_of(world.orders)

    answered = call(TOKEN, {"grant_type": "client_credentials"}, client=client, query=f"{where}={client.secret}")

    check_error(answered, 400, "invalid_request", None)
    assert client.secret not in str(last_row().__dict__)


# --- Grants, scopes, targets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grant", ["password", "implicit", "authorization_code", "CLIENT_CREDENTIALS", "refresh"])
def test_d21_and_r13_no_other_grant_is_known(world, grant):
    form = {"grant_type": grant, "username": "anna", "password": "secret", "code": "abc"}

    check_error(call(TOKEN, form, client=world.key_of(world.orders)), 400, "unsupported_grant_type", None)
    assert TokenFamily.objects.count() == 0


def test_r13_a_client_gets_the_scopes_of_its_target_or_the_narrower_set_it_asked_for(world):
    client = world.key_of(world.orders)

    assert ask_token(client).json["scope"] == "read write"
    assert ask_token(client, scope="write").json["scope"] == "write"


def test_a_target_is_named_by_resource_or_audience_and_not_by_two_that_differ(world):
    client = world.credential("shop", world.orders, world.billing)

    for form in ({"resource": world.orders.audience}, {"audience": "orders"}, {"audience": world.orders.audience}):
        assert verify(ask_token(client, **form).json["access_token"]).status == 200, form
    differing = ask_token(client, resource=world.orders.audience, audience=world.billing.audience)
    check_error(differing, 400, "invalid_request", None)


def test_r14_a_refresh_token_is_bound_to_its_client_and_a_foreign_one_does_not_use_it_up(world):
    client, _, refresh = tokens_of(world)

    check_error(ask_refresh(world.key_of(world.billing), refresh), 400, "invalid_grant", "token_not_found")
    check_error(ask_refresh(Client(client.client_id, "wrong"), refresh), 401, "invalid_client", "client_auth_failed")

    assert ask_refresh(client, refresh).status == 200


def test_r14_a_refresh_may_narrow_the_scope_and_the_next_one_has_the_family_s_again(world):
    client, _, refresh = tokens_of(world)

    narrowed = ask_refresh(client, refresh, scope="read").json
    whole = ask_refresh(client, narrowed["refresh_token"]).json

    assert (narrowed["scope"], whole["scope"]) == ("read", "read write")


def test_r14_reuse_ends_the_family(world):
    world.policy(world.orders, access=60, refresh=180, count=3, window=0)
    client, _, first = tokens_of(world)
    second = ask_refresh(client, first).json

    check_error(ask_refresh(client, first), 400, "invalid_grant", "refresh_token_reused")

    check_error(ask_refresh(client, second["refresh_token"]), 400, "invalid_grant", "refresh_token_revoked")
    assert verify(second["access_token"]).status == 401


def test_r14_past_the_absolute_end_of_the_family_a_refresh_is_refused(world):
    world.policy(world.orders, access=60, refresh=180, count=3, family=100)
    with time_machine.travel(START, tick=False):
        client, _, refresh = tokens_of(world)
    with time_machine.travel(START + timedelta(seconds=90), tick=False):
        refreshed = ask_refresh(client, refresh).json
    assert refreshed["expires_in"] == 10

    with time_machine.travel(START + timedelta(seconds=100), tick=False):
        answered = ask_refresh(client, refreshed["refresh_token"])

    check_error(answered, 400, "invalid_grant", "refresh_token_expired")


def test_d22_a_refresh_token_in_a_url_or_by_get_is_refused_and_not_used_up(world):
    client, _, refresh = tokens_of(world)
    form = {"grant_type": "refresh_token", "refresh_token": refresh}

    assert call(TOKEN, form, client=client, query=f"refresh_token={refresh}").status == 400
    assert call(TOKEN, form, client=client, method="GET").status == 405
    assert call(TOKEN, {}, client=client, method="GET", query=f"refresh_token={refresh}").status == 405

    assert ask_refresh(client, refresh).status == 200


# --- A good answer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_r11_and_d23_a_good_answer_is_json_that_nobody_keeps_with_whole_seconds(world, token_format):
    world.policy(world.orders, access=60, refresh=180, count=3, format=token_format)
    client = world.key_of(world.orders)

    granted = ask_token(client)
    refreshed = ask_refresh(client, granted.json["refresh_token"])

    for answered in (granted, refreshed):
        assert answered.status == 200
        check_headers(answered)
        body = answered.json
        assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
        assert body["token_type"] == "Bearer"
        assert type(body["expires_in"]) is int
        assert 58 <= body["expires_in"] <= 60
    assert verify(refreshed.json["access_token"]).status == 200


def test_d15_a_token_that_never_expires_has_no_expires_in_and_no_refresh_token(world):
    world.policy(world.orders, never_expires=True)

    assert set(ask_token(world.key_of(world.orders)).json) == {"access_token", "token_type", "scope"}


def test_i9_a_granted_token_has_exactly_one_row_that_names_its_door(world):
    client, _, refresh = tokens_of(world)
    assert (rows(), last_row().action, last_row().outcome, last_row().status) == (1, "issue", "granted", 200)

    ask_refresh(client, refresh)

    assert (rows(), last_row().action, last_row().outcome, last_row().status) == (2, "refresh", "granted", 200)


def test_d24_a_refresh_that_was_refused_for_its_shape_is_logged_as_a_refresh(world):
    no_refresh_token(world)

    assert (last_row().action, last_row().reason) == ("refresh", "invalid_request")


def test_each_environment_issues_for_itself(world):
    client = world.key_of(world.orders)

    live = ask_token(client, "/env/live/oauth2/token").json["access_token"]
    test = ask_token(client).json["access_token"]

    assert verify(live, path="/env/live/auth/verify").status == 200
    assert verify(test, path="/env/test/auth/verify").status == 200
    assert verify(live).status == 401
    assert verify(test, path="/env/live/auth/verify").status == 401
