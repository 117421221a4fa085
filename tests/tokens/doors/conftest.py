"""A world for each test of the doors."""

import pytest


@pytest.fixture
def world(db):
    # Django is set up after this file was read.
    from tests import world as worlds

    return worlds.build()
