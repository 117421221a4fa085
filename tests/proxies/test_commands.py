"""What exists, made and undeployed by command."""

import pytest

from proxies.commandkit import NOT_CONFIRMED
from proxies.models import ApiProxy, ChangeRecord, Deployment, Environment, ProxyGroup
from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.world import REQUEST, World
from tokens import lifecycle


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def test_from_nothing_to_a_deployed_group(db: None) -> None:
    assert "is the default" in run("add_environment", "test").out
    assert run("add_environment", "live", "--kind", "production", "--json").json["is_default"] is False
    assert run("add_proxy", "orders", "--scopes", "read write", "--audience", "https://o.example/").status == 0
    assert run("add_proxy", "billing").status == 0
    assert run("add_group", "commerce", "--members", "orders", "billing").status == 0
    assert run("deploy", "orders").status == 0
    assert run("deploy", "commerce", "--environment", "live", "--note", "first").status == 0
    assert run("set_mode", "billing", "credentials", "--yes").status == 0
    assert ApiProxy.objects.get(slug="orders").audience == "https://o.example/"
    assert ProxyGroup.objects.get().members.count() == 2
    assert Deployment.objects.filter(undeployed_at=None).count() == 2
    assert ApiProxy.objects.get(slug="billing").mode == "credentials"
    assert set(ChangeRecord.objects.values_list("actor", flat=True)) == {"command line"}


def test_a_refusal_is_a_sentence_with_its_code_and_exit_code_1(world: World) -> None:
    done = run("add_proxy", "orders", "--json")
    assert (done.status, done.json["error"]) == (1, "name_taken")
    assert "never used twice" in done.err
    assert run("add_environment", "Bad Slug").status == 1
    assert run("add_group", "new", "--members", "nothing").status == 1
    assert not ProxyGroup.objects.filter(slug="new").exists()


def test_undeploy_shows_what_ends_and_wants_the_name_typed(world: World) -> None:
    world.policy(world.orders, access=600, refresh=600)
    token = lifecycle.issue(world.key_of(world.orders), request=REQUEST).access_token
    refused = run("undeploy", "orders")
    assert refused.status == NOT_CONFIRMED
    assert "1  Live OAuth2 (opaque) tokens in Test (" not in refused.err
    assert "1  Live OAuth2 (opaque) tokens in Test" in refused.err
    assert run("undeploy", "orders", typed="orders\n").status == NOT_CONFIRMED
    assert lifecycle.verify(token, proxy="orders").good
    assert run("undeploy", "orders", typed="Orders\n").status == 0
    assert not lifecycle.verify(token, proxy="orders").good
    assert run("undeploy", "orders", "--yes").status == 1, "it is not deployed any more"


def test_undeploying_elsewhere_counts_nothing_and_ends_nothing(world: World) -> None:
    world.policy(world.orders, access=600, refresh=600)
    token = lifecycle.issue(world.key_of(world.orders), request=REQUEST).access_token
    done = run("undeploy", "orders", "--environment", "live", "--yes", "--json")
    assert "No live token depends on it" in done.err
    assert done.json == {"slug": "orders", "environment": "live", "generation": 2}
    assert lifecycle.verify(token, proxy="orders").good


def test_change_proxy_changes_what_is_named_and_nothing_else(world: World) -> None:
    told = run("change_proxy", "orders", "--required-scopes", "read", "--accept-token-in-url", "on", "--json").json
    assert (told["required_scopes"], told["accept_token_in_url"], told["scopes"]) == ("read", True, "read write")
    assert run("change_proxy", "orders", "--required-match", "any", "--accept-token-in-url", "off").status == 0
    kept = ApiProxy.objects.get(slug="orders")
    assert (kept.required_scopes, kept.required_match, kept.accept_token_in_url) == ("read", "any", False)
    assert run("change_proxy", "orders", "--required-scopes", 'a"b').status == 1


def test_without_any_environment_the_next_step_is_named(db: None) -> None:
    run("add_proxy", "orders")
    assert "add_environment" in run("deploy", "orders").err
    assert not Environment.objects.exists()
