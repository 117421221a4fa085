"""POST /oauth2/token: how a client asks, and what a good answer looks like."""

import base64
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine

from credentials import clients
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
from tests.world import START, call
from tokens.lifecycle import Client
from tokens.models import TokenFamily

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
    call(TOKEN, {"grant_type": "refresh_token"}, client=world.key_of(world.orders))

    assert (last_row().action, last_row().reason) == ("refresh", "invalid_request")


def test_each_environment_issues_for_itself(world):
    client = world.key_of(world.orders)

    live = ask_token(client, "/env/live/oauth2/token").json["access_token"]
    test = ask_token(client).json["access_token"]

    assert verify(live, path="/env/live/auth/verify").status == 200
    assert verify(test, path="/env/test/auth/verify").status == 200
    assert verify(live).status == 401
    assert verify(test, path="/env/live/auth/verify").status == 401
