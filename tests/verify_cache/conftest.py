"""A cache in the test's own hands: its clocks, its words, and a world whose tokens last.

Imports are made by the fixtures: this file is read before Django is set up.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


class Clock:
    """Both clocks of the cache, and a watch that looks without end."""

    def __init__(self) -> None:
        self.at = time.time()
        self.monotonic = 1000.0

    def move(self, seconds: float) -> None:
        self.at += seconds
        self.monotonic += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    from tokens.verify_cache import kept

    clock = Clock()
    monkeypatch.setattr(kept, "monotonic", lambda: clock.monotonic)
    monkeypatch.setattr(kept, "time", lambda: clock.at)
    return clock


@pytest.fixture
def words(clock: Clock, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """VERIFY_CACHE=host with a map of the test's own; the test's transaction is not looked at."""
    from tokens.verify_cache import kept, watching
    from tokens.verify_cache.words import SharedWords

    settings.VERIFY_CACHE = "host"
    watch = watching.Watch()
    watch.words, watch.counts_until = SharedWords(tmp_path / "words"), clock.monotonic + 1_000_000
    monkeypatch.setattr(kept, "watch", watch)
    monkeypatch.setattr(kept, "connection", type("Outside", (), {"in_atomic_block": False}))
    kept._kept.clear()
    yield watch.words
    kept._kept.clear()


@pytest.fixture
def world() -> Any:
    from proxies import catalogue
    from tests import world as worlds
    from tokens import policies

    world = worlds.build()
    catalogue.change_environment(world.test, gateways_must_authenticate=False, by="test")
    policies.set_policy(world.orders, by="test", access_token_lifetime_secs=3600)
    return world
