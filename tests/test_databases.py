"""The ground the racing tests stand on: a database of one's own, threads and processes that really commit."""

import os

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction


def add_group(index: int, name: str) -> int:
    """Called by other processes too, by its dotted name."""
    with transaction.atomic():
        Group.objects.create(name=f"{name} {index}")
    return os.getpid()


def add_same_group(index: int) -> None:
    Group.objects.create(name="only one")


def test_threads_commit_to_a_database_of_their_own(own_database):
    outcomes = own_database.run_in_threads(12, add_group, "thread")

    assert [outcome.error for outcome in outcomes] == [None] * 12
    assert Group.objects.filter(name__startswith="thread").count() == 12


def test_processes_commit_to_the_same_clone(own_database):
    outcomes = own_database.run_in_processes(3, "tests.test_databases.add_group", "process")

    assert len({outcome.get() for outcome in outcomes} - {os.getpid()}) == 3
    assert Group.objects.filter(name__startswith="process").count() == 3


def test_a_race_has_one_winner_and_its_losers_are_handed_back(own_database):
    for outcomes in (
        own_database.run_in_threads(8, add_same_group),
        own_database.run_in_processes(2, "tests.test_databases.add_same_group"),
    ):
        assert {type(outcome.error).__name__ for outcome in outcomes if outcome.error} == {"IntegrityError"}
    assert Group.objects.filter(name="only one").count() == 1


@pytest.mark.parametrize("round_", [1, 2])
def test_each_test_starts_with_a_fresh_clone(own_database, round_):
    assert not Group.objects.filter(name="left behind").exists()
    Group.objects.create(name="left behind")


@pytest.mark.django_db
def test_the_template_is_untouched_and_back_in_place():
    assert not Group.objects.filter(name="left behind").exists()


def test_sqlite_keeps_what_it_was_told_and_waits_for_the_lock(own_database):
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone() == (2,)
            cursor.execute("PRAGMA busy_timeout")
            assert cursor.fetchone() == (20_000,)
        else:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("10s",)
