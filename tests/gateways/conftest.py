"""One portal and one API for all gateways; each gateway is started from its file in deploy/."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests import databases
from tests.gateways import gateways
from tests.gateways.gateways import Gateway, Names
from tests.gateways.upstream import Api, upstream

if TYPE_CHECKING:
    from tests.gateways.portal import Portal


@pytest.fixture(scope="package")
def portal(tmp_path_factory: pytest.TempPathFactory, _template: None, django_db_blocker: Any) -> Iterator[Portal]:
    """The portal of this package's tests, on a database of its own with real commits."""
    from tests.gateways.portal import build  # models can be imported only now

    folder = tmp_path_factory.mktemp("portal")
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700)
    with django_db_blocker.unblock(), databases.cloned(data_dir) as own:
        made = build(own, folder)
        databases.close_connections()
        made.start()
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="package")
def api() -> Iterator[Api]:
    """The API behind the gateways."""
    with upstream() as running:
        yield running


@pytest.fixture(scope="package")
def names(portal: Portal, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Names]:
    """The names to put into an example, for the proxy of this slug."""

    def chosen(slug: str, **changed: Any) -> Names:
        folder = tmp_path_factory.mktemp("gateway")
        values = {
            "portal": portal.port,
            "api": api.server_port,
            "slug": slug,
            "token": portal.gateway_token,
            "key": portal.world.clients.get(slug),
            "folder": folder,
        }
        return Names(**{**values, **changed})

    return chosen


class Edge:
    """One kind of gateway. Each API proxy that a test asks for gets one in front of it, and keeps it."""

    def __init__(self, kind: str, names: Callable[..., Names], open_until_the_end: ExitStack) -> None:
        self.kind = kind
        self._names, self._kept, self._stack = names, dict[str, Gateway](), open_until_the_end

    def __getitem__(self, slug: str) -> Gateway:
        if slug not in self._kept:
            self._kept[slug] = self._stack.enter_context(self.changed(slug))
        return self._kept[slug]

    def changed(self, slug: str, **names: Any) -> AbstractContextManager[Gateway]:
        """One more, with other names."""
        return gateways.KINDS[self.kind](self._names(slug, **names))


@pytest.fixture(scope="module")
def edge(request: pytest.FixtureRequest, names: Callable[..., Names]) -> Iterator[Edge]:
    """The gateways of the kind that the test module names by `indirect`."""
    with ExitStack() as stack:
        yield Edge(request.param, names, stack)
