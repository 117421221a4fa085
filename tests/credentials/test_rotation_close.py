"""Deleting a configuration (D35, S4.20)."""

import pytest

from credentials import rotation
from credentials.errors import ConnectionClosed
from credentials.models import ConnectionConfiguration, ConnectionToken
from credentials.rotation import Cause
from tests.credentials.connections import START, active, asked, later, opened, verbs

pytestmark = pytest.mark.django_db


def test_s4_20_deleting_the_configuration_revokes_its_tokens_with_that_reason():
    first = opened()
    second = rotation.generate(first.token.configuration, by="ada")

    rotation.close(first.token.configuration, by="bob", because="site closed", at=later(days=1))

    assert active(first.token.configuration) == []
    assert {token.revoked_cause for token in ConnectionToken.objects.all()} == {Cause.CLOSED}
    for made in (first, second):
        assert asked(made.raw, at=later(days=1)).reason == "configuration_closed"


def test_d35_deleting_is_soft_and_the_audit_stays():
    first = opened()
    rotation.close(first.token.configuration, by="bob")

    assert ConnectionConfiguration.objects.count() == 1
    assert ConnectionConfiguration.objects.still_open().count() == 0
    assert verbs(first.token.configuration) == [("open", "ada"), ("delete", "bob")]


def test_d35_deleting_twice_keeps_the_first_time():
    configuration = opened().token.configuration
    rotation.close(configuration, by="bob", at=START)

    assert rotation.close(configuration, by="eve", at=later(days=1)).closed_at == START


def test_d35_a_deleted_configuration_cannot_be_changed_or_extended():
    configuration = rotation.close(opened().token.configuration, by="bob")

    with pytest.raises(ConnectionClosed):
        rotation.change(configuration, by="bob", name="again")
    with pytest.raises(ConnectionClosed):
        rotation.extend_licence(configuration, until=None, by="bob")
