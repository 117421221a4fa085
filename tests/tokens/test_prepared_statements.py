"""Statements are prepared on PostgreSQL: planned once for each connection, and not used once a table has changed."""

import psycopg
import pytest
from django.db import NotSupportedError, connection
from django.test.utils import CaptureQueriesContext

from tokens.statements import database

pytestmark = pytest.mark.on_postgresql


def prepared() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return {found[0] for found in cursor.fetchall()}


def test_a_statement_is_prepared_and_django_s_own_are_not(db):
    assert database.rows("SELECT %s::int + 1", [1]) == [(2,)]

    assert "SELECT $1::int + 1" in prepared()
    assert not [each for each in prepared() if "pg_prepared_statements" in each]


def test_a_long_list_is_not_prepared_since_it_differs_each_time(db):
    sql = f"SELECT 1 WHERE 1 IN ({database.marks(200)})"

    assert database.rows(sql, list(range(200))) == [(1,)]

    assert not [each for each in prepared() if "$200" in each]


def test_where_the_setting_says_no_nothing_is_prepared(db, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PREPARED_STATEMENTS", False)

    assert database.rows("SELECT %s::int + 41", [1]) == [(42,)]

    assert not [each for each in prepared() if "+ 41" in each]


def test_whoever_looks_at_the_statements_sees_them(db):
    with CaptureQueriesContext(connection) as seen:
        database.changed("UPDATE proxies_environment SET name = name WHERE id = %s", [0])

    assert len(seen) == 1


def widen(index: int) -> None:
    database.changed("ALTER TABLE outlived ADD COLUMN two integer", [])


def test_a_statement_that_outlived_its_table_closes_its_connection(own_database):
    database.changed("CREATE TABLE outlived (one integer)", [])
    assert database.rows("SELECT * FROM outlived", []) == []
    raw = connection.connection
    own_database.run_in_threads(1, widen)

    with pytest.raises(NotSupportedError):
        database.rows("SELECT * FROM outlived", [])

    assert isinstance(raw, psycopg.Connection)
    assert raw.closed
    connection.close()
    assert database.rows("SELECT * FROM outlived", []) == []
