"""S3's lines about long lifetimes and caches, as this product answers them."""

import json
import random
import re
from typing import Any

import pytest
from django.conf import settings as stated
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credentials import clients, compact_jwt
from proxies import catalogue
from tests import world as worlds
from tests.databases import OwnDatabase
from tests.tokens.commands.calling import run
from tests.tokens.doors.asking import REVOKE, ask_refresh, ask_token, verify
from tests.world import REQUEST, World, call
from tokens import errors, jose, lifecycle, policies, signing
from tokens.lifecycle import Client
from tokens.models import TokenPolicy


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def kept_for(header: str) -> int:
    """The seconds that a Cache-Control header allows."""
    found = re.search(r"max-age=(\d+)", header)
    return int(found[1]) if found and "no-store" not in header else 0


@pytest.mark.parametrize("never", [False, True])
def test_s3_6_however_long_a_token_lives_nothing_said_about_it_is_cached(world: World, never: bool) -> None:
    terms: dict[str, Any] = {"never_expires": True} if never else {"access": policies.LONGEST_LIFETIME}
    world.policy(world.orders, format="jwt", **terms)
    client = world.key_of(world.orders)
    access = ask_token(client).json["access_token"]
    told = call("/oauth2/introspect", {"token": access}, client=client)
    for answered in (verify(access), verify(access, "billing"), told):
        assert kept_for(answered.headers["Cache-Control"]) == 0
    # Keys alone may be kept, and those for five minutes.
    for path in ("/.well-known/jwks.json", "/.well-known/oauth-authorization-server"):
        assert kept_for(call(path, method="GET").headers["Cache-Control"]) == 300
    # So the next request sees what happened meanwhile.
    assert verify(access).status == 200
    call(REVOKE, {"token": access}, client=client)
    assert verify(access).status == 401


def test_r37_no_server_between_may_keep_an_answer_that_holds_or_judges_a_token(world: World) -> None:
    client = world.key_of(world.orders)
    granted = ask_token(client)
    access, refresh = granted.json["access_token"], granted.json["refresh_token"]
    answers = [
        granted,
        ask_refresh(client, refresh),
        ask_refresh(client, "nonsense"),
        ask_token(None),
        call("/oauth2/introspect", {"token": access}, client=client),
        call("/oauth2/introspect", {"token": access}),
        call(REVOKE, {"token": access}, client=client),
        *(verify(raw, proxy) for raw in (access, None, "nonsense") for proxy in ("orders", "billing", "nowhere", None)),
    ]
    assert {answered.status for answered in answers} == {200, 400, 401}
    for answered in answers:
        assert answered.headers["Cache-Control"] == "no-store"
        assert answered.headers["Pragma"] == "no-cache"
        assert {"ETag", "Last-Modified", "Expires", "Age"}.isdisjoint(answered.headers)


def test_s3_6_a_set_without_keys_is_kept_by_nobody(world: World) -> None:
    assert kept_for(call("/.well-known/jwks.json", method="GET").headers["Cache-Control"]) == 0
    signing.ensure(world.test, by="test")
    assert kept_for(call("/.well-known/jwks.json", method="GET").headers["Cache-Control"]) == 300


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_s3_7_what_is_kept_for_speed_is_the_key_and_never_the_answer(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format)
    access = ask_token(world.key_of(world.orders)).json["access_token"]
    verify(access)
    for _ in range(3):
        with CaptureQueriesContext(connection) as asked:
            assert verify(access).status == 200
        # The public key is in memory; the token is looked up, in one statement, each time.
        assert len(asked) == 1
        assert "tokens_issuedtoken" in asked[0]["sql"]


def test_d42_the_names_of_refresh_lifetime_and_cache_cap(world: World) -> None:
    policies.set_policy(world.orders, by="test", refresh_token_lifetime_secs=180)
    assert TokenPolicy.objects.get(proxy=world.orders).refresh_token_lifetime_secs == 180
    told = run("set_policy", "orders", "--refresh-lifetime", "240", "--json").json
    assert told["refresh_token_lifetime_secs"] == 240
    # Verify answers are cached by nobody unless a host says so; then by this name, and for five seconds at most.
    assert getattr(stated, "VERIFY_CACHE_MAX_SECONDS", 0) <= 5


def test_s3_11_every_jwt_access_token_expires_where_the_installation_forbids_others(
    world: World, settings: Any
) -> None:
    client = world.key_of(world.orders)
    world.policy(world.orders, never_expires=True, format="jwt")
    settings.ALLOW_NEVER_EXPIRING_JWT = False
    with pytest.raises(errors.InvalidPolicy):
        world.policy(world.billing, never_expires=True, format="jwt")
    refused = ask_token(client)
    assert (refused.status, refused.json["error_code"]) == (400, "grant_not_allowed"), "a policy from before as well"

    world.policy(world.orders, access=60, refresh=60, format="jwt")
    world.policy(world.commerce, access=60, refresh=60, format="jwt")
    first = ask_token(client).json
    answers = [
        first,
        ask_refresh(client, first["refresh_token"]).json,
        ask_token(world.key_of(world.commerce)).json,
        ask_token(world.credential("shop", world.orders, token_format="jwt")).json,
    ]
    for answer in answers:
        header = compact_jwt.header(answer["access_token"])
        key = signing.key_by_id(header.kid)
        assert key is not None
        claims = jose.read(answer["access_token"], key=key, types=(jose.ACCESS_TYPE,))
        assert 0 <= claims["exp"] - claims["iat"] - answer["expires_in"] <= 1  # what is left, in whole seconds
        assert header.type == "at+jwt"


# --- Many at once -----------------------------------------------------------------------------------------------------

CLIENTS, TOKENS, CALLERS, CALLS = 50, 2, 8, 125


def _one_of_many(index: int, tokens: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """What each of this caller's answers says, beside whose token was shown."""
    chosen = random.Random(index)
    found = []
    for _ in range(CALLS):
        owner, raw = chosen.choice(tokens)
        answered = verify(raw)
        found.append((owner, answered.headers["X-Token-Client"], answered.headers["X-Token-Subject"]))
    return found


def test_i15_a_thousand_verifications_at_once_each_tell_of_their_own_client(own_database: OwnDatabase) -> None:
    world = worlds.build()
    catalogue.set_mode(world.orders, "credentials", by="test")
    tokens = []
    for number in range(CLIENTS):
        opened = clients.open_credential(name=f"client {number}", by="test")
        clients.deploy(opened.credential, world.test, by="test")
        clients.grant(to=opened.credential, target=world.orders, by="test")
        form = "jwt" if number % 5 == 0 else "opaque"
        policies.set_policy(opened.credential, by="test", token_format=form)
        for _ in range(TOKENS):
            answer = lifecycle.issue(Client(opened.client_id, opened.secret), request=REQUEST)
            tokens.append((opened.client_id, answer.access_token))
    outcomes = own_database.run_in_threads(CALLERS, _one_of_many, tokens)
    told = [each for outcome in outcomes for each in outcome.get()]
    assert len(told) == CALLERS * CALLS
    assert len({owner for owner, _, _ in told}) == CLIENTS
    assert all(owner == client == subject for owner, client, subject in told), json.dumps(told[:3])
