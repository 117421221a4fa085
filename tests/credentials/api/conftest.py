"""The world, and someone who may do everything with credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rest_framework.test import APIClient

if TYPE_CHECKING:
    from tests.world import World


@pytest.fixture
def world(db: None) -> World:
    from tests import world as worlds  # models can be imported only now

    return worlds.build()


@pytest.fixture
def security(db: None) -> APIClient:
    from tests.api import caller

    models = ("credential", "credentialkey", "credentialsecret", "credentialdeployment", "grant", "user")
    return caller(*(f"{verb}_{model}" for model in models for verb in ("view", "add", "change")), name="sam")
