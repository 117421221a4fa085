"""The commands of lesser acts: each calls its one core function and tells what is so now."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests import world as worlds
from tests.world import World
from tokens.errors import TokenError


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def run(name: str, *words: str) -> Any:
    out = StringIO()
    call_command(name, *words, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_d43_archive_undeploys_and_puts_away(world: World) -> None:
    token = world.issue(world.key_of(world.orders))
    with pytest.raises(CommandError, match="Nothing was done"):
        run("archive", "orders")
    assert run("archive", "orders", "--yes") == {"slug": "orders"}
    assert not world.good(token)


def test_d14_a_member_is_removed_and_added_again(world: World) -> None:
    token = world.issue(world.key_of(world.commerce))
    assert run("member", "remove", "commerce", "orders", "--yes")["members"] == ["billing"]
    assert not world.good(token)
    assert run("member", "add", "commerce", "orders")["members"] == ["billing", "orders"]
    assert world.good(token)
    with pytest.raises(CommandError, match="no group"):
        run("member", "add", "orders", "billing")


def test_d14_a_credential_expires_by_command_and_comes_back(world: World) -> None:
    shop = world.credential("shop", world.orders)
    token = world.issue(shop)
    assert run("change_credential", "shop", "--expires-on", "2025-12-31")["changed"] == ["expires_on"]
    assert not world.good(token)
    run("change_credential", "shop", "--never-expires")
    assert world.good(token)


def test_d14_withdraw_ends_what_stands_on_the_grant(world: World) -> None:
    token = world.issue(world.credential("shop", world.orders))
    assert run("withdraw", "shop", "orders", "--yes")["target"] == "orders"
    assert not world.good(token)
    with pytest.raises(CommandError, match="no grant"):
        run("withdraw", "shop", "orders", "--yes")


def test_d43_an_archived_credential_is_refused_for_ever(world: World) -> None:
    token = world.issue(world.credential("shop", world.orders))
    run("archive_credential", "shop", "--yes")
    assert not world.good(token)


def test_d18_the_older_secret_is_retired_and_the_last_one_stays(world: World) -> None:
    old = world.credential("shop", world.orders)
    run("rotate_secret", "shop")
    run("retire_secret", "shop")
    with pytest.raises(Exception, match="authentication failed"):
        world.issue(old)
    with pytest.raises(CommandError, match="only secret"):
        run("retire_secret", "shop")


def test_d5_a_policy_is_suspended_and_resumed(world: World) -> None:
    client = world.key_of(world.orders)
    assert run("policy", "suspend", "orders")["state"] == "suspended"
    with pytest.raises(TokenError, match="policy"):
        world.issue(client)
    assert run("policy", "resume", "orders")["state"] == "in force"
    world.issue(client)


def test_d13_a_key_is_staged_published_and_signs_at_the_next_rotation(world: World, tmp_path: Path) -> None:
    staged = run("signing_key", "stage", "--algorithm", "ES256")["keys"][0]
    assert staged["state"] == "staged"
    assert run("signing_key", "publish", staged["kid"])["keys"][0]["state"] == "published"
    assert run("rotate_signing_key")["kid"] == staged["kid"]
    with pytest.raises(CommandError, match="no signing key"):
        run("signing_key", "publish", "nobody")
