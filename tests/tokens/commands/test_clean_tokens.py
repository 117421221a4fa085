"""`manage.py clean_tokens`: counts, tells how far it is where somebody watches, and does it."""

import pytest

from tests.tokens.commands.calling import run
from tests.world import World
from tokens.models import IssuedToken

LONG_AGO = -400 * 86_400


@pytest.fixture
def three_past(world: World) -> World:
    for _ in range(3):
        world.issue(world.key_of(world.orders), at=LONG_AGO)
    return world


def test_d17_a_dry_run_counts_and_removes_nothing(three_past: World) -> None:
    done = run("clean_tokens", "--dry-run")
    assert done.out.strip() == "3 access tokens and 3 refresh tokens would be removed. Nothing was done."
    assert IssuedToken.objects.count() == 3
    told = run("clean_tokens", "--dry-run", "--json").json
    assert (told["tokens"], told["refresh_keys"], told["dry_run"]) == (3, 3, True)


def test_d17_it_removes_them_and_a_second_run_finds_nothing(three_past: World) -> None:
    assert run("clean_tokens").out.strip() == (
        "3 access tokens and 3 refresh tokens were removed, and 3 families with them."
    )
    assert IssuedToken.objects.count() == 0
    assert run("clean_tokens").out.startswith("0 access tokens and 0 refresh tokens were removed")


def test_how_far_it_is_is_shown_on_a_terminal_alone(three_past: World) -> None:
    watched = run("clean_tokens", "--dry-run", watched=True)
    assert "expired records looked at" in watched.err
    assert "6" in watched.err
    assert run("clean_tokens", "--dry-run").err == ""
