"""A connection that has answered a moment ago is not asked again before it is used, unless its server said goodbye."""

import time

import psycopg
import pytest
from django.db import connection

from config import patience
from config.patience import BoundedConnection

pytestmark = pytest.mark.on_postgresql


@pytest.fixture
def another(db):
    """A connection of the pool's class, beside Django's own."""
    known = connection.get_connection_params()
    wanted = {name: known[name] for name in ("dbname", "user", "password", "host", "port") if name in known}
    made = patience.bounded(12.0).connect(**wanted, autocommit=True)
    yield made
    made.close()


@pytest.fixture
def asked(another: BoundedConnection, monkeypatch) -> list[object]:
    """What was really sent to the server by `execute`."""
    sent: list[object] = []
    real = psycopg.Connection.execute

    def execute(self, query, *more):
        sent.append(query)
        return real(self, query, *more)

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    return sent


def test_the_pools_look_is_spared_after_an_answer_and_not_later(another, asked):
    another.execute("SELECT 1")
    another.execute("")
    assert asked == ["SELECT 1"]

    another._heard = time.monotonic() - patience.TRUST_SECONDS - 0.1
    another.execute("")
    assert asked == ["SELECT 1", ""]


def test_what_the_client_does_alone_is_no_sign_of_life(another, asked):
    another._heard = time.monotonic() - patience.TRUST_SECONDS - 0.1
    another.autocommit = False
    another.autocommit = True

    another.execute("")

    assert asked == [""]


def test_a_connection_whose_server_has_ended_it_is_found_before_it_is_used(another):
    another.execute("SELECT 1")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [another.info.backend_pid])
        assert cursor.fetchone() == (True,)

    with pytest.raises(psycopg.OperationalError):
        another.execute("")
