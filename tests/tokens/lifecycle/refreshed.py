"""Short ways to a family that is refreshed."""

from typing import Any

from tests.world import World
from tokens.lifecycle import Client, TokenAnswer
from tokens.models import IssuedToken, RefreshKey, TokenFamily


def key(world: World) -> Client:
    return world.key_of(world.orders)


def terms(world: World, access: int = 60, refresh: int = 180, count: int | None = 3, **more: Any) -> None:
    world.policy(world.orders, access=access, refresh=refresh, count=count, **more)


def family_row() -> dict[str, Any]:
    return TokenFamily.objects.values().get()


def everything() -> tuple[list[Any], ...]:
    """All that a refresh could change."""
    return tuple(list(model.objects.order_by("id").values()) for model in (TokenFamily, IssuedToken, RefreshKey))


def used_up(world: World, spent: int = 3, step: float = 20) -> tuple[TokenAnswer, float]:
    """A family after so many refreshes: its last answer and the moment of it."""
    answer = world.issue(key(world))
    for number in range(1, spent + 1):
        answer = world.refresh(key(world), answer.refresh_token, at=number * step)
    return answer, spent * step
