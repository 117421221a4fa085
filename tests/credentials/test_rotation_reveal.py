"""Showing and copying a token again (S4.11, S4.13, S4.21, D19)."""

import pytest
from django.db import DatabaseError

from credentials import rotation
from credentials.models import ConnectionToken
from proxies import history
from tests.credentials.connections import active, opened, verbs

pytestmark = pytest.mark.django_db


def test_s4_11_a_token_generated_before_can_be_shown():
    made = opened()
    assert rotation.reveal(ConnectionToken.objects.get(), by="bob") == made.raw


def test_s4_21_a_token_can_be_copied_without_generating_a_new_one():
    made = opened()

    assert rotation.reveal(made.token, by="bob", copied=True) == made.raw
    assert active(made.token.configuration) == [made.token.pk]


def test_d19_show_and_copy_each_leave_an_audit_entry_without_the_value():
    made = opened()
    rotation.reveal(made.token, by="bob")
    rotation.reveal(made.token, by="eve", copied=True)

    assert verbs(made.token.configuration)[1:] == [("show token", "bob"), ("copy token", "eve")]
    assert made.raw not in str(list(history.ChangeRecord.objects.values()))


def test_d19_without_the_audit_entry_the_value_is_not_given_out(monkeypatch):
    made = opened()

    def broken(*args, **named):
        raise DatabaseError

    monkeypatch.setattr(history, "record", broken)
    with pytest.raises(DatabaseError):
        rotation.reveal(made.token, by="bob")
