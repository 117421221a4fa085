"""The database is away: 503, no token, nothing half done, and back by itself (I13, I23)."""

import itertools
import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from tests.databases import PROJECT
from tests.tokens.doors.asking import (
    INTROSPECT,
    REVOKE,
    TOKEN,
    ask_refresh,
    ask_token,
    check_error,
    rows,
    tokens_of,
    verify,
)
from tests.world import Answered, World, build, call
from tokens.lifecycle import Client
from tokens.models import IssuedToken, RateLimitWindow, RefreshKey, TokenFamily, TokenRequestLog

MOST = 40
MOST_LOOKS = 5_000
GIVES_BACK = "requests = requests - 1"


class Cut:
    """Let the first statements through and fail at the n-th: that one alone, or everything from it on."""

    def __init__(self, at: int, *, for_good: bool, trouble: type[Exception] = OperationalError) -> None:
        self.at, self.for_good, self.trouble, self.count = at, for_good, trouble, 0

    def __call__(self, execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if GIVES_BACK in sql:  # the request is decided by then; the test of its own is below
            return execute(sql, parameters, many, context)
        self.count += 1
        if self.count == self.at or (self.for_good and self.count > self.at):
            raise self.trouble("server closed the connection, says a secret detail")
        return execute(sql, parameters, many, context)


def state() -> tuple[Any, ...]:
    """All that issue, refresh and revoke write; the limiter's count apart, which is no part of any of them."""
    return tuple(
        list(model.objects.order_by("pk").values()) for model in (TokenFamily, IssuedToken, RefreshKey, TokenRequestLog)
    )


def issue(client: Client, access: str, refresh: str) -> Answered:
    return ask_token(client)


def refresh_once(client: Client, access: str, refresh: str) -> Answered:
    return ask_refresh(client, refresh)


def refuse(client: Client, access: str, refresh: str) -> Answered:
    return ask_token(Client(client.client_id, "wrong"))


def refuse_shape(client: Client, access: str, refresh: str) -> Answered:
    return call(TOKEN, {}, client=client)


def revoke_access(client: Client, access: str, refresh: str) -> Answered:
    return call(REVOKE, {"token": access}, client=client)


def revoke_family(client: Client, access: str, refresh: str) -> Answered:
    return call(REVOKE, {"token": refresh}, client=client)


def introspect(client: Client, access: str, refresh: str) -> Answered:
    return call(INTROSPECT, {"token": access}, client=client)


def verify_access(client: Client, access: str, refresh: str) -> Answered:
    return verify(access)


Operation = Callable[[Client, str, str], Answered]
OPERATIONS: dict[Operation, int] = {
    issue: 200,
    refresh_once: 200,
    revoke_access: 200,
    revoke_family: 200,
    introspect: 200,
    verify_access: 200,
    refuse: 401,
    refuse_shape: 400,
}


@pytest.fixture
def away(own_database: Any) -> World:
    """A world that is really committed, so that what a failure leaves behind is really there."""
    return build()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.__name__)
def test_i13_whichever_statement_fails_the_answer_is_503_and_nothing_is_half_done(away, operation):
    for token_format, for_good in itertools.product(("opaque", "jwt"), (False, True)):
        away.policy(away.orders, access=600, refresh=1800, count=None, format=token_format)
        fail_at_each_statement(operation, *tokens_of(away), for_good=for_good)


def fail_at_each_statement(operation: Operation, client: Client, access: str, refresh: str, *, for_good: bool) -> None:
    before = state()
    for n in range(1, MOST):
        cut = Cut(n, for_good=for_good, trouble=(OperationalError, InterfaceError)[n % 2])
        with connection.execute_wrapper(cut):
            answered = operation(client, access, refresh)
        if cut.count < n:
            break
        check_error(answered, 503, "server_error", None)
        for handed_out in (b"lk_", b"eyJ", b"active", b"secret detail"):
            assert handed_out not in answered.body, n
        assert state() == before, f"statement {n} left something behind"
    else:
        pytest.fail("there is no end to the statements")

    # Back by itself: the last round had no failure, with the same token, which was never used up.
    assert n > 1
    assert answered.status == OPERATIONS[operation]


# At the end of a transaction, also of one that is a single statement: the disk is full when it is to be kept.
FULL_AT_COMMIT = """
    CREATE FUNCTION full_at_commit() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END$$;
    CREATE CONSTRAINT TRIGGER full_at_commit AFTER INSERT ON tokens_tokenrequestlog
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION full_at_commit();
"""
ROOM_AGAIN = "DROP TRIGGER full_at_commit ON tokens_tokenrequestlog; DROP FUNCTION full_at_commit()"


@contextmanager
def no_commit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is to be kept is not."""
    if connection.vendor == "sqlite":
        with monkeypatch.context() as patched:
            patched.setattr(connection, "commit", Mock(side_effect=OperationalError("the commit did not arrive")))
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute(FULL_AT_COMMIT)
    yield
    with connection.cursor() as cursor:
        cursor.execute(ROOM_AGAIN)


@pytest.mark.parametrize("operation", [issue, refresh_once, revoke_family, refuse], ids=lambda each: each.__name__)
def test_i7_and_i9_where_the_commit_fails_nothing_is_handed_out_and_nothing_stays(away, operation, monkeypatch):
    client, access, refresh = tokens_of(away)
    before = state()

    with no_commit(monkeypatch):
        answered = operation(client, access, refresh)

    check_error(answered, 503, "server_error", None)
    assert state() == before
    assert operation(client, access, refresh).status == OPERATIONS[operation]


@pytest.mark.parametrize("operation", [issue, refresh_once, revoke_family, refuse], ids=lambda each: each.__name__)
def test_i9_without_its_log_row_nothing_is_handed_out(away, operation):
    client, access, refresh = tokens_of(away)
    before = state()

    def no_log(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if "tokens_tokenrequestlog" in sql:
            raise DatabaseError("the log's disk is full")
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(no_log):
        answered = operation(client, access, refresh)

    check_error(answered, 503, "server_error", None)
    assert state() == before


def test_i13_a_refused_refresh_past_the_count_is_all_or_nothing_too(away):
    away.policy(away.orders, access=600, refresh=1800, count=1)
    client, _, refresh = tokens_of(away)
    refresh = ask_refresh(client, refresh).json["refresh_token"]
    before = state()

    for n in range(1, MOST):
        cut = Cut(n, for_good=True)
        with connection.execute_wrapper(cut):
            answered = ask_refresh(client, refresh)
        if cut.count < n:
            break
        assert answered.status == 503
        assert state() == before

    check_error(answered, 400, "invalid_grant", "refresh_count_exceeded")


def until_gone(cursor: Any) -> None:
    """What was told to end has ended, and has said so to whoever was connected."""
    for _ in range(MOST_LOOKS):
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [connection.settings_dict["NAME"]],
        )
        if cursor.fetchone() == (0,):
            return
    pytest.fail("connections that do not end")


def test_i13_after_the_server_has_closed_every_connection_the_next_request_is_served(away):
    client, access, _ = tokens_of(away)
    if connection.vendor == "sqlite":
        # There is no server; what can be away is the lock.
        another = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        with closing(another):
            connection.ensure_connection()
            connection.connection.execute("PRAGMA busy_timeout=50")
            another.execute("BEGIN IMMEDIATE")
            check_error(ask_token(client), 503, "server_error", None)
            assert verify(access).status == 200
            another.execute("ROLLBACK")
    else:
        with connection._nodb_cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [connection.settings_dict["NAME"]],
            )
            assert cursor.rowcount >= 1
            until_gone(cursor)

    assert verify(access).status == 200
    assert ask_token(client).status == 200


def test_i13_a_door_leaves_no_transaction_open_on_the_connection_that_it_keeps(away):
    """How many are kept at most is shown in test_connections.py."""
    client, access, _ = tokens_of(away)

    for answered in (ask_token(client), verify(access), call(INTROSPECT, {"token": access}, client=client)):
        assert answered.status == 200
        if connection.vendor == "postgresql":
            assert connection.connection.is_at_rest()
    assert not connection.in_atomic_block


def test_in_somebody_else_s_transaction_the_connection_is_left_alone(world):
    client, access, _ = tokens_of(world)
    held = connection.connection

    assert (ask_token(client).status, verify(access).status) == (200, 200)

    assert connection.connection is held is not None
    assert connection.in_atomic_block


def test_the_limiter_that_cannot_count_lets_nobody_through(away, settings):
    settings.REDIS_URL = ""  # where Redis counts, nothing of this is asked of the database
    client, _, _ = tokens_of(away)
    logged = rows()

    def no_count(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if RateLimitWindow._meta.db_table in sql:
            raise OperationalError("locked")
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(no_count):
        check_error(ask_token(client), 503, "server_error", None)

    assert rows() == logged


def test_a_count_that_cannot_be_given_back_changes_no_answer(away):
    client, _, _ = tokens_of(away)
    logged = rows()

    def no_give_back(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if GIVES_BACK in sql:
            raise OperationalError("locked")
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(no_give_back):
        check_error(ask_token(Client(client.client_id, "wrong")), 401, "invalid_client", "client_auth_failed")

    assert rows() == logged + 1


# --- A real one: nobody listens there ---------------------------------------------------------------------------------


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that is taken, so that no other gets it, and where nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.mark.parametrize("pool", ["1", "0"], ids=["pool", "no pool"])
def test_i13_with_no_postgresql_at_all_every_door_says_503_and_nothing_of_why(tmp_path, pool):
    # The pool waits some seconds for each connection: two doors show as much as nine.
    some = ["POST /oauth2/token", "GET /auth/verify"] if pool == "1" else []
    with closed_port() as port:
        finished = subprocess.run(
            [sys.executable, "-m", "tests.tokens.doors.nobody_listens", *some],
            cwd=PROJECT,
            env={
                **os.environ,
                "DATA_DIR": str(tmp_path),
                "DATABASE_URL": f"postgres://someone:hidden@127.0.0.1:{port}/nothing",
                "DATABASE_POOL": pool,
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert finished.returncode == 0, finished.stderr
    lines = [json.loads(line) for line in finished.stdout.splitlines()]

    assert len(lines) == (len(some) or 8)
    for line in lines:
        assert line["status"] == "503 Service Unavailable", line
        assert json.loads(line["body"])["error"] == "server_error"
        assert line["headers"]["Cache-Control"] == "no-store"
        assert "WWW-Authenticate" not in line["headers"]
        assert str(port) not in line["body"]
        # The wait for a connection is bounded.
        assert line["took"] < 8, line
    for secret in ("hidden", "lk_cs_secret", "lk_rt_x"):
        assert secret not in finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
