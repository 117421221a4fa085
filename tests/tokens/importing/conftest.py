"""A database of django-oauth-toolkit, made by itself, and a world to import it into."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tokens.importing import sources
from tests.tokens.importing.sources import Other

if TYPE_CHECKING:
    from tests.world import World


@pytest.fixture(scope="session")
def toolkit(tmp_path_factory: pytest.TempPathFactory) -> Other:
    """A database of the toolkit on SQLite, made once."""
    folder = tmp_path_factory.mktemp("toolkit")
    return sources.made("tests.tokens.importing.toolkit_project", f"sqlite:///{folder}/toolkit.sqlite3")


@pytest.fixture
def own(toolkit: Other, tmp_path: Path) -> Other:
    """A copy of it that a test may change."""
    return sources.copied(toolkit, tmp_path / "toolkit.sqlite3")


@pytest.fixture
def world(db: None) -> World:
    from proxies import catalogue  # models can be imported only now
    from tests import world as worlds

    made = worlds.build()
    catalogue.set_mode(made.orders, "credentials", by="test")
    catalogue.change_proxy(made.orders, scopes="read write groups", by="test")
    return made
