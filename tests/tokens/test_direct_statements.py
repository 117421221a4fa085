"""A statement past Django's cursor does what it does through it, on either database."""

from datetime import UTC, date, datetime

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from proxies.models import Environment
from tokens.statements import database

MOMENT = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)


def environments(*slugs: str) -> list[Environment]:
    return [Environment.objects.create(name=slug.title(), slug=slug) for slug in slugs]


def both(sql: str, parameters: list[object]) -> tuple[object, object]:
    """What it gives by the direct way, and through Django's cursor, which somebody who looks on makes it take."""
    direct = database.rows(sql, parameters)
    with CaptureQueriesContext(connection) as seen:
        through_django = database.rows(sql, parameters)
    assert len(seen) == 1
    return direct, through_django


@pytest.mark.django_db
def test_rows_are_the_same_of_every_type() -> None:
    environments("one", "two")
    table = Environment._meta.db_table
    columns = ", ".join(field.column for field in Environment._meta.concrete_fields)
    direct, through_django = both(f"SELECT {columns}, '50%%' FROM {table} WHERE slug <> %s ORDER BY id", ["two"])
    assert direct == through_django
    assert isinstance(direct, list)
    assert direct
    assert [type(value) for value in direct[0]] == [type(value) for value in through_django[0]]  # type: ignore[index]
    assert "50%" in direct[0]


@pytest.mark.django_db
def test_times_go_in_and_come_out_in_utc() -> None:
    (made,) = environments("moment")
    table = Environment._meta.db_table
    assert database.changed(f"UPDATE {table} SET created_at = %s WHERE id = %s", [MOMENT, made.pk]) == 1
    assert database.row(f"SELECT created_at FROM {table} WHERE created_at = %s", [MOMENT]) == (MOMENT,)
    made.refresh_from_db()
    assert made.created_at == MOMENT
    (other,) = environments("other")
    Environment.objects.filter(pk=other.pk).update(created_at=MOMENT)
    assert database.rows(f"SELECT slug FROM {table} WHERE created_at = %s ORDER BY slug", [MOMENT]) == [
        ("moment",),
        ("other",),
    ]


@pytest.mark.django_db
def test_the_count_is_of_the_rows_that_were_changed() -> None:
    environments("one", "two", "three")
    table = Environment._meta.db_table
    update = f"UPDATE {table} SET gateways_must_authenticate = %s WHERE slug IN ('one', 'two')"
    assert database.changed(update, [True]) == 2
    assert database.changed(f"UPDATE {table} SET gateways_must_authenticate = %s WHERE slug = 'none'", [True]) == 0
    assert len(database.rows(f"{update} RETURNING id", [False])) == 2


@pytest.mark.parametrize(
    ("sql", "parameters", "kind"),
    [
        ("SELECT nothing FROM nowhere WHERE id = %s", [1], (OperationalError, ProgrammingError)),
        ("INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE slug <> %s", [""], (IntegrityError,)),
    ],
)
def test_a_fault_is_djangos_error_and_the_connection_stays_usable(
    own_database, sql: str, parameters: list[object], kind: tuple[type[DatabaseError], ...]
) -> None:
    environments("one")
    fields = ", ".join(field.column for field in Environment._meta.concrete_fields)
    with pytest.raises(kind):
        database.rows(sql.format(table=Environment._meta.db_table, columns=fields), parameters)
    assert database.rows("SELECT 1", []) == [(1,)]


def test_it_is_part_of_the_transaction_around_it(own_database) -> None:
    (made,) = environments("one")
    table = Environment._meta.db_table
    with transaction.atomic():
        assert database.changed(f"UPDATE {table} SET name = %s WHERE id = %s", ["New", made.pk]) == 1
        transaction.set_rollback(True)
    made.refresh_from_db()
    assert made.name == "One"


def test_after_a_fault_a_transaction_takes_no_more_statements(own_database) -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            database.rows("SELECT 1", [])
    assert database.rows("SELECT 1", []) == [(1,)]


@pytest.mark.django_db
def test_a_day_is_a_day() -> None:
    kind = "::date" if connection.vendor == "postgresql" else ""
    direct, through_django = both(f"SELECT %s{kind}", [date(2026, 2, 3)])
    assert direct == through_django
