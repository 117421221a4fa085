"""A door that answers 503 gives its connection back: however often, the pool is as full as before."""

from unittest import mock

import pytest
from django.db import OperationalError, connection

from tests import world as worlds
from tests.world import call
from tokens.statements import database, verify
from tokens.statements import issue as issuing

pytestmark = pytest.mark.on_postgresql
MORE_THAN_THE_POOL_HAS = 40


def idle() -> tuple[int, int]:
    """Connections of the pool, and how many of them nobody has taken."""
    stats = connection.pool.get_stats()  # type: ignore[attr-defined]
    return stats["pool_size"], stats["pool_available"]


def away(*_: object, **__: object) -> None:
    database.rows("SELECT 1 / 0", [])


@pytest.mark.parametrize(
    ("path", "statements", "name"),
    [("/oauth2/token", issuing, "read"), ("/oauth2/token", issuing, "write_all"), ("/auth/verify", verify, "read")],
    ids=["token, reading", "token, writing", "verify"],
)
def test_i13_no_503_keeps_a_connection(own_database, path, statements, name):
    world = worlds.build()
    client = world.key_of(world.orders)
    token = world.issue(client).access_token
    connection.close()
    asked = {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_X_PROXY": "orders"} if path == "/auth/verify" else {}
    form = None if asked else {"grant_type": "client_credentials"}

    for trouble in (away, OperationalError):
        with mock.patch.object(statements, name, side_effect=trouble):
            for _ in range(MORE_THAN_THE_POOL_HAS):
                answer = call(path, form, client=None if asked else client, **asked)
                assert answer.status == 503

    assert connection.connection is None
    size, available = idle()
    assert available == size > 0
    assert call(path, form, client=None if asked else client, **asked).status in (200, 401)
