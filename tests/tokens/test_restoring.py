"""After a restore everything ends, and everybody can begin again."""

import pytest

from credentials import users
from proxies.models import ChangeRecord
from tests.tokens.commands.calling import run
from tests.world import World
from tokens import restoring, signing


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_i24_every_token_ends_for_good_and_new_ones_can_be_had(world: World, token_format: str) -> None:
    signing.ensure(world.test, by="test")
    world.policy(world.orders, format=token_format, access=600, refresh=600)
    world.credential("shop", world.billing)
    own, group = world.key_of(world.orders), world.key_of(world.commerce)
    before = [world.issue(client) for client in (own, group)]
    shop = world.issue(world.clients["shop"], target="billing")
    assert all(world.good(each, at=1) for each in before)
    assert world.good(shop, world.billing, at=1)

    raised = restoring.raise_all_generations(by="test")

    assert (raised.credentials, raised.deployments) == (4, 6)
    assert not any(world.good(each, at=1) for each in before)
    assert not world.good(shop, world.billing, at=1)
    with pytest.raises(Exception, match="key"):
        world.refresh(own, before[0].refresh_token, at=1)
    assert world.good(world.issue(own, at=2), at=3)
    assert world.good(world.issue(world.clients["shop"], target="billing", at=2), world.billing, at=3)


def test_i24_every_login_ends_too(world: World) -> None:
    person = users.create_user(username="ada", password="a password of some length", by="test")
    restoring.raise_all_generations(by="test")
    generation = person.generation
    person.refresh_from_db()
    assert person.generation == generation + 1


def test_the_command_says_what_ends_asks_first_and_leaves_its_mark(world: World) -> None:
    world.issue(world.key_of(world.orders))
    refused = run("raise_generations")
    assert refused.status == 3
    assert not ChangeRecord.objects.filter(verb="raise all generations").exists()
    done = run("raise_generations", "--yes")
    assert done.status == 0
    assert "All tokens have ended: of 3 credentials and keys, 0 users, 6 deployments." in done.out
    assert "connection tokens that were revoked" in done.out
    assert ChangeRecord.objects.filter(verb="raise all generations").count() == 2
