"""The world that stories stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.world import World


@pytest.fixture
def world(db: None) -> World:
    from tests import world as worlds  # models can be imported only now

    return worlds.build()
