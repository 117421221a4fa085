"""Policies, signing keys and cleaning by command."""

from datetime import timedelta

import pytest
from django.utils import timezone

from proxies.commandkit import NOT_CONFIRMED
from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.world import REQUEST, START, World
from tokens import lifecycle, signing
from tokens.models import IssuedToken, SigningKey, TokenPolicy


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def now_issued(world: World, form: str = "jwt") -> str:
    world.policy(world.orders, access=600, refresh=600, format=form)
    return lifecycle.issue(world.key_of(world.orders), request=REQUEST).access_token


def test_set_policy_sets_what_is_named_and_defaults_the_rest(world: World) -> None:
    done = run("set_policy", "orders", "--lifetime", "60", "--refresh-lifetime", "180", "--refresh-count", "3")
    assert "60 seconds and can be refreshed 3 times, each within 180 seconds" in done.out
    policy = TokenPolicy.objects.get(proxy=world.orders)
    assert (policy.token_format, policy.refresh_mode, policy.retry_window_secs) == ("opaque", "rotating", 10)
    told = run("set_policy", "commerce", "--format", "jwt", "--no-refresh", "--json").json
    assert (told["token_format"], told["refresh_allowed"]) == ("jwt", False)
    run("set_policy", "billing", "--never-expires")
    assert TokenPolicy.objects.get(proxy=world.billing).never_expires


def test_set_policy_of_a_credential_goes_by_its_name(world: World) -> None:
    world.credential("shop", world.billing)
    assert run("set_policy", "shop", "--credential", "--refresh-mode", "static").status == 0
    assert TokenPolicy.objects.get(credential=world.credentials["shop"]).refresh_mode == "static"


def test_terms_that_cannot_be_kept_are_refused(world: World, settings) -> None:
    assert "invalid_policy" in run("set_policy", "orders", "--lifetime", "0").err
    settings.ALLOW_NEVER_EXPIRING_JWT = False
    assert run("set_policy", "orders", "--format", "jwt", "--never-expires").status == 1


def test_rotating_the_signing_key_ends_nothing(world: World) -> None:
    token = now_issued(world)
    told = run("rotate_signing_key", "--at-once", "--json").json
    assert told["environment"] == "test"
    assert run("verify", "orders", piped=token).status == 0
    assert SigningKey.objects.get(kid=told["kid"]).state == "signing"


def test_i21_rotating_waits_until_the_next_key_is_known_and_says_what_to_do(world: World, time_machine) -> None:
    time_machine.move_to(START)
    assert run("rotate_signing_key").status == 0, "the first key of an environment has nobody to wait for"
    refused = run("rotate_signing_key")
    assert (refused.status, "Publish one first" in refused.err) == (1, True)
    told = run("signing_key", "next", "--json").json
    (following,) = [key for key in told["keys"] if key["state"] == "published"]
    refused = run("rotate_signing_key")
    assert (refused.status, "was published a moment ago" in refused.err) == (1, True)
    time_machine.move_to(START + timedelta(seconds=301))
    assert run("rotate_signing_key", "--json").json["kid"] == following["kid"]


def test_the_schedule_of_an_environment_is_set_and_shown(world: World) -> None:
    run("rotate_signing_key")
    assert "rotates by hand" in run("signing_key", "list").out
    told = run("signing_key", "schedule", "--every-days", "90", "--json").json
    assert told["rotation_days"] == 90
    assert told["keys"][0]["next_step"].startswith("rotates ")
    assert "every 90 days" in run("signing_key", "list").out
    assert run("signing_key", "schedule", "--every-days", "0", "--json").json["rotation_days"] is None
    assert run("signing_key", "schedule").status == 2
    assert run("signing_key", "schedule", "--every-days", "-1").status == 1


def test_a_key_that_never_signed_is_taken_back(world: World) -> None:
    run("rotate_signing_key")
    staged = run("signing_key", "stage", "--algorithm", "ES256", "--json").json["keys"][0]
    assert (staged["state"], staged["next_step"]) == ("staged", "waits to be published")
    assert run("signing_key", "retire", staged["kid"], "--json").json["keys"][0]["state"] == "retired"
    assert run("signing_key", "retire", staged["kid"]).status == 1
    assert run("signing_key", "publish", "nonsense").status == 1


def test_changing_the_signing_key_shows_what_ends_and_wants_the_name(world: World) -> None:
    jwt, opaque = now_issued(world), now_issued(world, "opaque")
    refused = run("change_signing_key")
    assert refused.status == NOT_CONFIRMED
    assert "1  Live JWTs" in refused.err
    assert "opaque" not in refused.err
    assert "Everybody who is logged in" in refused.err
    assert run("verify", "orders", piped=jwt).status == 0
    assert run("change_signing_key", "--algorithm", "ES256", typed="Test\n").status == 0
    assert run("verify", "orders", "--json", piped=jwt).json["reason"] == "signing_key_changed"
    assert run("verify", "orders", piped=opaque).status == 0


def test_cleaning_counts_first_and_then_removes(world: World) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    world.policy(world.orders, access=60, refresh=60)
    lifecycle.issue(world.key_of(world.orders), request=REQUEST, at=long_ago)
    fresh = now_issued(world, "opaque")
    dry = run("clean_tokens", "--dry-run", "--json").json
    assert (dry["tokens"], dry["refresh_keys"], dry["dry_run"]) == (1, 1, True)
    assert IssuedToken.objects.count() == 2
    done = run("clean_tokens", watched=True)
    assert "1 access tokens and 1 refresh tokens were removed" in done.out
    assert "[###############...............]  50 %  1 of 2 expired records looked at" in done.err
    assert "[##############################] 100 %  2 of 2" in done.err
    assert IssuedToken.objects.count() == 1
    assert run("verify", "orders", piped=fresh).status == 0


def test_keys_of_an_unknown_environment_name_those_that_there_are(world: World) -> None:
    done = run("rotate_signing_key", "--environment", "moon")
    assert done.status == 1
    assert "test, live" in done.err
    assert not signing.jwks(world.live)
