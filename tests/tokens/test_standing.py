"""How tokens stand, in one word, is what verify would say; a page of them is one statement."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credentials import clients
from proxies import catalogue, deployment
from tests.world import REQUEST, World, later
from tokens import lifecycle, signing, standing
from tokens.errors import RefreshCountExceeded
from tokens.models import IssuedToken, RefreshKey, TokenFamily

pytestmark = pytest.mark.django_db


def end(world: World, what: str) -> None:
    """Something that ends, or refuses for a while, what the key of Orders holds."""
    token = IssuedToken.objects.order_by("id")[0]
    key = world.credentials["orders"]
    acts: dict[str, Callable[[], Any]] = {
        "nothing": lambda: None,
        "revoke token": lambda: lifecycle.revoke_token(token, by="ada", because="", request=REQUEST, at=later(1)),
        "revoke family": lambda: lifecycle.revoke_family(
            token.family, by="ada", because="", request=REQUEST, at=later(1)
        ),
        "change key": lambda: clients.change_key(key, by="ada", at=later(1)),
        "undeploy": lambda: deployment.undeploy(world.orders, world.test, by="ada", at=later(1)),
        "deactivate": lambda: clients.deactivate(key, by="ada", at=later(1)),
        "other mode": lambda: catalogue.set_mode(world.orders, "credentials", by="ada", at=later(1)),
        "signing key": lambda: signing.change(world.test, by="ada", at=later(1)),
    }
    acts[what]()


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("nothing", "live"),
        ("revoke token", "revoked"),
        ("revoke family", "revoked"),
        ("change key", "ended"),
        ("undeploy", "ended"),
        ("deactivate", "refused"),
        ("other mode", "refused"),
    ],
)
def test_a_token_stands_as_verify_judges_it(world: World, what: str, state: str) -> None:
    raw = world.issue(world.key_of(world.orders))
    token = IssuedToken.objects.get()
    end(world, what)
    found = standing.of_tokens([token.pk], at=later(2))[token.pk]
    assert found.state == state
    assert (found.state == "live") is world.good(raw, at=2)
    assert bool(found.why) is (state != "live")


def test_d6_time_and_a_refresh_have_words_of_their_own(world: World) -> None:
    client = world.key_of(world.orders)
    first = world.issue(client)
    world.refresh(client, first.refresh_token, at=10)
    old, new = IssuedToken.objects.order_by("id")
    assert standing.of_tokens([old.pk, new.pk], at=later(11)) == {
        old.pk: standing.of_tokens([old.pk], at=later(11))[old.pk],
        new.pk: standing.LIVE,
    }
    assert standing.of_tokens([old.pk], at=later(11))[old.pk].state == "replaced"
    assert standing.of_tokens([new.pk], at=later(71))[new.pk].state == "expired"


def test_d13_a_changed_signing_key_ends_jwts_for_good(world: World) -> None:
    world.policy(world.orders, format="jwt", access=600, refresh=600)
    world.issue(world.key_of(world.orders))
    token = IssuedToken.objects.get()
    end(world, "signing key")
    assert standing.of_tokens([token.pk], at=later(2))[token.pk].state == "ended"


def test_d4_a_refresh_key_is_live_spent_exhausted_expired_or_revoked(world: World) -> None:
    client = world.key_of(world.orders)
    world.policy(world.orders, access=60, refresh=100, count=1)
    answer = world.issue(client)
    assert states(at=1) == ["live"]
    answer = world.refresh(client, answer.refresh_token, at=2)
    assert states(at=3) == ["spent", "live"]
    with pytest.raises(RefreshCountExceeded):
        world.refresh(client, answer.refresh_token, at=4)
    assert states(at=5) == ["spent", "exhausted"]
    assert states(at=200) == ["expired", "expired"]
    lifecycle.revoke_family(TokenFamily.objects.get(), by="ada", because="", request=REQUEST, at=later(6))
    assert states(at=7) == ["revoked", "revoked"]


def states(at: float) -> list[str]:
    keys = list(RefreshKey.objects.select_related("family").order_by("id"))
    found = standing.of_refresh_keys(keys, at=later(at))
    return [found[key.pk].state for key in keys]


def test_a_family_lives_as_long_as_anything_of_it_may_be_used(world: World) -> None:
    client = world.key_of(world.orders)
    world.policy(world.orders, access=60, refresh=100, count=1)
    answer = world.issue(client)
    family = TokenFamily.objects.get().pk

    def state(at: float) -> str:
        return standing.of_families([family], at=later(at))[family].state

    assert state(99) == "live"
    assert state(100) == "expired"
    answer = world.refresh(client, answer.refresh_token, at=50)
    with pytest.raises(RefreshCountExceeded):
        world.refresh(client, answer.refresh_token, at=51)
    assert state(52) == "exhausted"
    end(world, "undeploy")
    assert state(52) == "ended"


def test_a_page_of_any_size_is_one_statement(world: World) -> None:
    for _ in range(3):
        world.issue(world.key_of(world.orders))
    with CaptureQueriesContext(connection) as seen:
        assert len(standing.of_tokens(IssuedToken.objects.values_list("pk", flat=True), at=later(1))) == 3
    assert len(seen) == 2  # the ids, and the facts
    with CaptureQueriesContext(connection) as seen:
        assert standing.of_tokens([]) == {}
        assert standing.of_families([]) == {}
        assert standing.of_refresh_keys([]) == {}
    assert len(seen) == 0
