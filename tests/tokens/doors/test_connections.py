"""A door keeps its connection for the next request where that is safe, and gives it back where it answers 503."""

import threading
from unittest import mock

import psycopg
import pytest
from django.db import OperationalError, connection, connections

from tests import world as worlds
from tests.world import call
from tokens import lifecycle
from tokens.doors import connection as doors_connection
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


# --- What is kept from one request to the next


@pytest.fixture
def ask(own_database):
    """Ask the verify door for a good token: the status."""
    world = worlds.build()
    client = world.key_of(world.orders)
    token = lifecycle.issue(client, request=lifecycle.Request(address="192.0.2.7")).access_token
    connection.close()
    asked = {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_X_PROXY": "orders"}
    yield lambda: call("/auth/verify", None, **asked).status
    connection.close()


def end_at_the_server(raw: psycopg.Connection[object]) -> None:
    with psycopg.connect(raw.info.dsn) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [raw.info.backend_pid]).fetchone() == (True,)


def test_a_thread_keeps_its_connection_for_its_next_request(ask):
    assert ask() == 200
    raw = connection.connection

    assert ask() == 200

    assert raw is not None
    assert connection.connection is raw


def test_i13_a_kept_connection_whose_server_has_ended_is_replaced_and_no_request_hears_of_it(ask):
    assert ask() == 200
    raw = connection.connection
    assert raw is not None
    end_at_the_server(raw)

    assert ask() == 200

    assert connection.connection is not raw


def test_a_connection_that_was_kept_for_its_time_goes_through_the_pool(ask, monkeypatch):
    monkeypatch.setattr(doors_connection, "KEPT_SECONDS", 0.0)

    assert ask() == 200

    assert connection.connection is None


def test_a_connection_inside_a_transaction_is_not_kept(ask):
    with doors_connection.database():
        connection.set_autocommit(False)

    assert connection.connection is None


def test_a_thread_that_ends_gives_its_connection_back(ask):
    for _ in range(MORE_THAN_THE_POOL_HAS):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    size, available = idle()
    assert available == size > 0


def test_half_of_the_pool_at_most_is_kept_however_many_threads_there_are(ask):
    kept, answers = [], []
    asked, done = threading.Barrier(MORE_THAN_THE_POOL_HAS + 1), threading.Barrier(MORE_THAN_THE_POOL_HAS + 1)
    turn = threading.Lock()

    def work() -> None:
        with turn:
            answers.append(ask())
            kept.append(connections["default"].connection is not None)
        asked.wait(60)
        done.wait(60)

    threads = [threading.Thread(target=work) for _ in range(MORE_THAN_THE_POOL_HAS)]
    for thread in threads:
        thread.start()
    asked.wait(60)
    half = connection.pool.max_size // 2  # type: ignore[attr-defined]
    size, available = idle()
    done.wait(60)
    for thread in threads:
        thread.join()

    assert answers == [200] * MORE_THAN_THE_POOL_HAS
    assert 0 < sum(kept) <= half
    assert size - available == sum(kept)
    size, available = idle()
    assert available == size
