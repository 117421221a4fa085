"""Statements are prepared on PostgreSQL: planned once for each connection, and not used once a table has changed."""

from datetime import UTC, date, datetime
from unittest import mock
from uuid import UUID

import psycopg
import pytest
from django.db import DataError, NotSupportedError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tokens.statements import database
from tokens.statements.prepared import PreparedStatements

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


@pytest.mark.parametrize(
    "value",
    [None, True, 7, 2**40, "ünter", date(2026, 2, 3), datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC), UUID(int=5)],
    ids=["null", "bool", "int", "bigint", "text", "date", "timestamptz", "uuid"],
)
def test_what_is_written_is_read_the_same_as_by_the_ordinary_way(own_database, value):
    kind = {bool: "boolean", int: "bigint", date: "date", datetime: "timestamptz", UUID: "uuid"}.get(
        type(value), "text"
    )
    sql = f"SELECT %s::{kind}, '192.0.2.7'::inet, '{{}}'::jsonb, 1.5::numeric"

    with connection.cursor() as cursor:
        cursor.execute(sql, [value])
        ordinary = cursor.fetchall()

    assert database.rows(sql, [value]) == ordinary
    assert [type(each) for each in database.rows(sql, [value])[0]] == [type(each) for each in ordinary[0]]
    assert database.rows(f"SELECT %s::{kind}", [value]) == [(value,)]


def test_rows_that_are_returned_and_rows_that_are_changed_are_counted(own_database):
    database.changed("CREATE TABLE counted (one integer)", [])
    inserted = "INSERT INTO counted SELECT generate_series(1, %s::int)"

    assert database.changed(inserted, [3]) == 3
    assert database.rows(f"{inserted} RETURNING one", [2]) == [(1,), (2,)]
    assert database.changed("UPDATE counted SET one = 0 WHERE one = %s", [1]) == 2
    assert database.changed("UPDATE counted SET one = 9 WHERE one = %s", [1]) == 0


def test_no_more_are_kept_than_a_hundred(db):
    for number in range(130):
        assert database.rows(f"SELECT %s::int + {number}", [1]) == [(1 + number,)]

    assert len([each for each in prepared() if "::int + " in each]) == 100
    assert database.rows("SELECT %s::int + 0", [1]) == [(1,)]


def test_a_refused_statement_is_an_error_of_django_and_leaves_the_connection_usable(own_database):
    with pytest.raises(DataError):
        database.rows("SELECT 1 / %s::int", [0])
    with pytest.raises(DataError):
        database.rows("SELECT %s::text", ["\x00"])

    assert database.rows("SELECT 1 / %s::int", [1]) == [(1,)]


def test_inside_a_transaction_the_first_statement_begins_it(own_database):
    database.changed("CREATE TABLE undone (one integer)", [])
    with transaction.atomic():
        database.changed("INSERT INTO undone VALUES (%s)", [1])
        transaction.set_rollback(True)

    assert database.rows("SELECT * FROM undone", []) == []


# --- What was prepared, and is there no more


def widen(index: int) -> None:
    database.changed("ALTER TABLE outlived ADD COLUMN two integer", [])


@pytest.fixture
def outlived(own_database):
    """Prepares a statement, and changes its table on another connection."""
    database.changed("CREATE TABLE outlived (one integer)", [])
    assert database.rows("SELECT * FROM outlived", []) == []
    database.changed("INSERT INTO outlived VALUES (1)", [])
    own_database.run_in_threads(1, widen)


def test_a_statement_that_outlived_its_table_is_prepared_anew_and_nobody_notices(outlived):
    raw = connection.connection

    assert database.rows("SELECT * FROM outlived", []) == [(1, None)]

    assert connection.connection is raw
    assert len([each for each in prepared() if "outlived" in each]) == 1


def test_a_statement_that_was_forgotten_by_the_server_is_prepared_anew(outlived):
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")

    assert database.changed("INSERT INTO outlived VALUES (1)", []) == 1


def test_inside_a_transaction_it_closes_the_connection_since_what_ran_before_is_undone(outlived):
    raw = connection.connection

    with pytest.raises(NotSupportedError), transaction.atomic():
        database.rows("SELECT * FROM outlived", [])

    assert isinstance(raw, psycopg.Connection)
    assert raw.closed
    connection.close()
    assert database.rows("SELECT * FROM outlived", []) == [(1, None)]


def test_what_is_outlived_again_at_once_is_told_and_closes_the_connection(own_database, monkeypatch):
    """Somebody in between hands sessions on for each statement: preparing again and again would help nobody."""
    database.rows("SELECT 1", [])
    raw = connection.connection
    monkeypatch.setattr(PreparedStatements, "_run", mock.Mock(side_effect=psycopg.errors.InvalidSqlStatementName))

    with pytest.raises(ProgrammingError):
        database.rows("SELECT 1", [])

    assert raw is not None
    assert raw.closed
