"""The audience of a group's JWT: for who validates alone, and small enough for every gateway (gateways.md 5 and 8)."""

import jwt

from proxies import catalogue, deployment
from proxies.models import ApiProxy
from tests.world import START, World
from tokens import lifecycle


def audience_of(token: lifecycle.TokenAnswer) -> list[str] | str:
    found: list[str] | str = jwt.decode(token.access_token, options={"verify_signature": False})["aud"]
    return found


def member(world: World, number: int) -> ApiProxy:
    """One more member, whose audience is as long as they come in practice."""
    slug = f"member-{number:02}"
    made = catalogue.add_proxy(
        name=slug, slug=slug, audience=f"https://api.example.com/a-rather-long-path/v1/{slug}", by="test", at=START
    )
    deployment.deploy(made, world.test, by="test", at=START)
    catalogue.add_member(world.commerce, made, by="test", at=START)
    return made


def test_i17_a_group_s_jwt_names_the_group_and_up_to_twenty_members_and_stays_below_4_kb(world: World) -> None:
    world.policy(world.commerce, format="jwt", access=60)
    made = [member(world, number) for number in range(18)]
    token = world.issue(world.key_of(world.commerce))
    named = {each.audience for each in (world.commerce, world.orders, world.billing, *made)}
    assert set(audience_of(token)) == named
    assert len(token.access_token) < 4096


def test_i17_a_larger_group_s_jwt_names_the_group_alone_and_still_opens_each_member_at_the_portal(world: World) -> None:
    world.policy(world.commerce, format="jwt", access=60)
    made = [member(world, number) for number in range(19)]
    token = world.issue(world.key_of(world.commerce))
    assert audience_of(token) == world.commerce.audience
    for proxy in (world.orders, world.billing, *made):
        assert world.good(token, proxy)
    catalogue.remove_member(world.commerce, made[0], by="test", at=START)
    assert not world.good(token, made[0])
