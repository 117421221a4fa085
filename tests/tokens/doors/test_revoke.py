"""POST /oauth2/revoke (RFC 7009)."""

import pytest

from tests.tokens.doors.asking import (
    REVOKE,
    ask_refresh,
    ask_token,
    check_error,
    check_headers,
    last_row,
    rows,
    tokens_of,
    verify,
)
from tests.world import Answered, call
from tokens.lifecycle import Client
from tokens.models import IssuedToken, TokenFamily


def revoke(client: Client | None, raw: str, path: str = REVOKE, **form: str) -> Answered:
    return call(path, {"token": raw, **form}, client=client)


def test_r21_and_d40_revoking_an_access_token_ends_that_token_and_no_other(world):
    client, access, refresh = tokens_of(world)

    answered = revoke(client, access)

    assert (answered.status, answered.body) == (200, b"")
    check_headers(answered)
    assert verify(access).status == 401
    assert ask_refresh(client, refresh).status == 200


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_r21_and_d40_revoking_a_refresh_token_ends_the_family_with_its_access_tokens(world, token_format):
    world.policy(world.orders, format=token_format)
    client, access, refresh = tokens_of(world)

    assert revoke(client, refresh).status == 200

    assert verify(access).status == 401
    check_error(ask_refresh(client, refresh), 400, "invalid_grant", "refresh_token_revoked")


def test_d6_a_revoked_jwt_is_refused_at_once(world):
    world.policy(world.orders, format="jwt")
    client, access, _ = tokens_of(world)

    assert revoke(client, access).status == 200

    assert verify(access).json == {"error": "invalid_token", "error_code": "token_revoked"}


@pytest.mark.parametrize(
    "raw", ["something", "lk_at_" + "0" * 72, "lk_rt_" + "f" * 72, "a.b.c", "lk_cs_x", "\N{SNOWMAN}"]
)
def test_r21_an_unknown_token_is_answered_like_a_revoked_one(world, raw):
    answered = revoke(world.key_of(world.orders), raw)

    assert (answered.status, answered.body) == (200, b"")
    assert (rows(), last_row().action, last_row().outcome) == (1, "revoke", "granted")
    assert last_row().reason == "token_not_found"


def test_r21_a_foreign_token_is_answered_like_a_revoked_one_and_lives_on(world):
    client, access, refresh = tokens_of(world)

    for raw in (access, refresh):
        answered = revoke(world.key_of(world.billing), raw)
        assert (answered.status, answered.body) == (200, b"")

    assert verify(access).status == 200
    assert ask_refresh(client, refresh).status == 200


def test_r21_a_token_of_another_environment_is_not_known_here(world):
    client, access, _ = tokens_of(world)

    assert revoke(client, access, "/env/live/oauth2/revoke").status == 200
    assert verify(access).status == 200

    assert revoke(client, access, "/env/test/oauth2/revoke").status == 200
    assert verify(access).status == 401


def test_r21_a_client_that_does_not_prove_itself_revokes_nothing(world):
    client, access, _ = tokens_of(world)

    refused = revoke(Client(client.client_id, "wrong"), access)
    check_error(refused, 401, "invalid_client", "client_auth_failed")
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="latchkey"'
    assert (last_row().action, last_row().outcome, last_row().status) == ("revoke", "refused", 401)
    nobody = revoke(None, access)
    check_error(nobody, 401, "invalid_client", "client_auth_failed")
    assert "WWW-Authenticate" not in nobody.headers

    assert verify(access).status == 200


def test_r21_the_secret_may_come_in_the_form_whatever_was_used_at_the_token_endpoint(world):
    client, access, _ = tokens_of(world)

    assert revoke(None, access, client_id=client.client_id, client_secret=client.secret).status == 200

    assert verify(access).status == 401


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "something_else", ""])
def test_r21_the_hint_is_a_hint(world, hint):
    client, access, refresh = tokens_of(world)

    assert revoke(client, access, token_type_hint=hint).status == 200
    assert verify(access).status == 401
    assert revoke(client, refresh, token_type_hint=hint).status == 200
    assert ask_refresh(client, refresh).json["error_code"] == "refresh_token_revoked"


def test_i23_revoking_twice_is_safe_and_keeps_the_first_time(world):
    client, access, refresh = tokens_of(world)
    revoke(client, access)
    revoke(client, refresh)
    first = (IssuedToken.objects.get().revoked_at, TokenFamily.objects.get().revoked_at)

    assert [revoke(client, access).status, revoke(client, refresh).status] == [200, 200]

    assert (IssuedToken.objects.get().revoked_at, TokenFamily.objects.get().revoked_at) == first
    assert last_row().reason == "revoked_before"


def test_r21_no_token_and_no_post_are_refused(world):
    client = world.key_of(world.orders)

    check_error(call(REVOKE, {}, client=client), 400, "invalid_request", None)
    check_error(call(REVOKE, {"token": ""}, client=client), 400, "invalid_request", None)
    refused = call(REVOKE, {"token": "x"}, client=client, method="GET")
    assert (refused.status, refused.headers["Allow"]) == (405, "POST")
    assert (rows(), last_row().action, last_row().status) == (3, "revoke", 405)


def test_d22_a_token_in_the_url_is_refused_and_not_revoked(world):
    client, access, _ = tokens_of(world)

    check_error(call(REVOKE, {}, client=client, query=f"token={access}"), 400, "invalid_request", None)
    check_error(call(REVOKE, {"token": access}, client=client, query=f"token={access}"), 400, "invalid_request", None)

    assert verify(access).status == 200


def test_an_unknown_environment_is_404(world):
    answered = revoke(world.key_of(world.orders), "x", "/env/nowhere/oauth2/revoke")

    check_error(answered, 404, "invalid_request", "unknown_environment")
    assert (last_row().status, last_row().environment) == (404, "nowhere")


def test_d24_each_revocation_leaves_exactly_one_row_that_names_the_token_and_not_its_value(world):
    client, access, _ = tokens_of(world)
    jti = IssuedToken.objects.get().jti

    revoke(client, access)

    row = last_row()
    assert (rows(), row.action, row.outcome, row.status, row.reason) == (2, "revoke", "granted", 200, "revoked")
    assert (row.jti, row.client_id, row.environment) == (jti, client.client_id, "test")
    assert access not in str(row.__dict__)


def test_a_client_that_may_not_obtain_tokens_any_more_may_still_revoke_them(world):
    from credentials import clients

    client, access, _ = tokens_of(world)
    clients.deactivate(world.credentials["orders"], by="test")

    assert revoke(client, access).status == 200
    clients.reactivate(world.credentials["orders"], by="test")
    assert verify(access).status == 401
    assert ask_token(client).status == 200
