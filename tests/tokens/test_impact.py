"""What would end is counted before it is done, and the count is what then ends (D12)."""

import pytest

from credentials import clients
from proxies import deployment
from proxies.adminkit import impact_of
from tests import world as worlds
from tests.world import World, later
from tokens.impact import Impact, impact
from tokens.models import IssuedToken, SigningKey

NOTHING = Impact(
    opaque=0, jwt=0, refreshable=0, never_expiring=0, clients=0, used_in_last_hour=0, top_callers=()
)  # fmt: skip


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def counted(subject: object, act: str) -> dict[str, int]:
    """What the page would show; of now, so tokens of these tests live long."""
    return {line.label: line.count for line in impact_of(subject, act)}


def test_d12_live_tokens_are_counted_by_kind_with_their_clients(world: World) -> None:
    client = world.key_of(world.orders)
    first = world.issue(client)
    world.issue(client)
    world.policy(world.orders, format="jwt", access=60, refresh=180)
    world.issue(client)
    world.policy(world.orders, never_expires=True)
    world.issue(client)
    found = impact(proxy=world.orders, at=later(1))
    assert (found.opaque, found.jwt, found.never_expiring, found.refreshable, found.clients) == (3, 1, 1, 3, 1)
    assert found.top_callers == ((f"key of Orders ({client.client_id})", 4),)
    IssuedToken.objects.filter(jti__isnull=False, family__refresh_keys__isnull=True).update(last_used_at=later(0))
    assert impact(proxy=world.orders, at=later(1)).used_in_last_hour == 1
    assert impact(proxy=world.orders, at=later(3601)).used_in_last_hour == 0
    world.policy(world.orders, access=60, refresh=180)
    world.refresh(client, first.refresh_token, at=2)
    # The one in use until then is replaced, not one more.
    assert impact(proxy=world.orders, at=later(3)).opaque == 3


def test_d12_what_is_over_is_not_counted(world: World) -> None:
    client = world.key_of(world.orders)
    world.issue(client)
    assert impact(proxy=world.orders, at=later(59)).opaque == 1
    late = impact(proxy=world.orders, at=later(60))
    assert (late.opaque, late.refreshable) == (0, 1), "the access token is over, its family can be brought back"
    assert impact(proxy=world.orders, at=later(180)) == NOTHING


def test_d12_after_the_act_nothing_is_left_to_end(world: World) -> None:
    world.issue(world.key_of(world.orders))
    world.issue(world.key_of(world.billing))
    assert impact(proxy=world.orders, environment=world.test, at=later(1)).opaque == 1
    assert impact(proxy=world.orders, environment=world.live, at=later(1)) == NOTHING
    deployment.undeploy(world.orders, world.test, by="test", at=later(1))
    assert impact(proxy=world.orders, at=later(2)) == NOTHING
    assert impact(proxy=world.billing, at=later(2)).opaque == 1
    clients.change_key(world.credentials["billing"], by="test", at=later(2))
    assert impact(proxy=world.billing, at=later(3)) == NOTHING


def test_d12_each_act_tells_what_it_would_end_itself(world: World) -> None:
    world.policy(world.orders, access=10**8, refresh=10**8)
    world.policy(world.billing, access=10**8, refresh=10**8, format="jwt")
    world.issue(world.key_of(world.orders))
    world.issue(world.key_of(world.billing))
    of_undeploy = counted(world.orders, "undeploy")
    assert of_undeploy["Live OAuth2 (opaque) tokens in Test"] == 1
    assert not any("Live" in label and "in Live" in label for label in of_undeploy)
    assert counted(world.credentials["orders"], "change-key")["Live OAuth2 (opaque) tokens"] == 1
    key = SigningKey.objects.get()
    of_change = counted(key, "change")
    assert of_change["Live JWTs in Test"] == 1
    assert not any("opaque" in label for label in of_change), "S0.35: opaque tokens live on"
    assert counted(key, "publish") == {}
