"""The migration that took the foreign keys off the hot tables: there and back, with rows in them."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from tests.databases import OwnDatabase
from tests.tokens.lifecycle.test_races import built
from tokens.models import IssuedToken, RefreshKey, TokenFamily
from tokens.statements import log_guard

DAY = 86_400
NO_FAMILY = 987_654


def _migrate(to: str) -> None:
    call_command("migrate", "tokens", to, verbosity=0)


def _rows() -> list[list[Any]]:
    return [list(model.objects.order_by("pk").values()) for model in (TokenFamily, IssuedToken, RefreshKey)]


def _indexes() -> set[str]:
    with connection.cursor() as cursor:
        tables = ("tokens_tokenfamily", "tokens_issuedtoken", "tokens_refreshkey")
        found = [connection.introspection.get_constraints(cursor, table) for table in tables]
    return {name for each in found for name in each}


def _point_nowhere() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE tokens_issuedtoken SET family_id = %s", [NO_FAMILY])
        connection.check_constraints()


def test_there_and_back_every_row_stays_and_the_foreign_keys_come_back(own_database: OwnDatabase) -> None:
    world, client, raw = built(count=None, refresh=7 * DAY)
    world.refresh(client, raw, at=60)
    first, second = RefreshKey.objects.order_by("pk")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tokens_refreshkey WHERE id = %s", [first.pk])  # as cleaning does
    before, indexes = _rows(), _indexes()

    _migrate("0015")
    assert RefreshKey.objects.get().parent_id is None, "its predecessor is gone, and the foreign key would say no"
    with pytest.raises(IntegrityError):
        _point_nowhere()
    assert log_guard.missing() == []

    _migrate("0016")
    RefreshKey.objects.update(parent_id=first.pk)
    assert (_rows(), _indexes()) == (before, indexes)
    assert log_guard.missing() == []
    assert world.issue(client, at=120).access_token
    assert RefreshKey.objects.order_by("-pk")[0].pk > second.pk
    _point_nowhere()
    assert set(IssuedToken.objects.values_list("family_id", flat=True)) == {NO_FAMILY}


def test_no_number_is_given_again_after_the_tables_were_written_anew(own_database: OwnDatabase) -> None:
    world, client, _ = built()
    highest = TokenFamily.objects.get().pk
    with connection.cursor() as cursor:
        for table in ("tokens_refreshkey", "tokens_issuedtoken", "tokens_tokenfamily"):
            cursor.execute(f"DELETE FROM {table}")
    _migrate("0015")
    _migrate("0016")
    world.issue(client, at=1)
    assert TokenFamily.objects.get().pk > highest
