"""Licence end and extension (S4.19, D32)."""

import pytest

from credentials import rotation
from credentials.errors import InvalidConnection
from credentials.models import ConnectionToken
from credentials.rotation import Cause
from tests.credentials.connections import active, asked, later, opened, verbs

pytestmark = pytest.mark.django_db


def test_s4_19_tokens_are_revoked_after_the_licence_has_ended():
    over = opened(licence_ends_at=later(days=1))
    rotation.generate(over.token.configuration, by="ada", at=later(hours=1))
    lasting = opened(name="lasting", licence_ends_at=later(days=9))

    assert rotation.expire_licences(at=later(days=1)) == (1, 2)

    assert active(over.token.configuration) == []
    assert {token.revoked_cause for token in over.token.configuration.tokens.all()} == {Cause.LICENCE}
    assert {token.revoked_by for token in over.token.configuration.tokens.all()} == {""}
    assert len(active(lasting.token.configuration)) == 1
    assert verbs(over.token.configuration)[-1] == ("licence ended", "")


def test_s4_19_a_second_run_finds_nothing_to_do():
    opened(licence_ends_at=later(days=1))
    rotation.expire_licences(at=later(days=2))
    assert rotation.expire_licences(at=later(days=3)) == (0, 0)


def test_s4_19_the_end_counts_at_use_however_late_the_task_is():
    over = opened(licence_ends_at=later(days=1))

    assert asked(over.raw, at=later(hours=23)).reason is None
    assert asked(over.raw, at=later(days=1)).reason == "licence_ended"


def test_d32_nothing_revives_when_a_licence_is_extended_although_no_task_has_run():
    over = opened(licence_ends_at=later(days=1))

    rotation.extend_licence(over.token.configuration, until=later(days=9), by="bob", at=later(days=2))

    assert asked(over.raw, at=later(days=2)).reason == "token_revoked"
    assert ConnectionToken.objects.get().revoked_cause == Cause.LICENCE
    assert [verb for verb, _ in verbs(over.token.configuration)] == ["open", "licence ended", "extend licence"]
    fresh = rotation.generate(over.token.configuration, by="bob", at=later(days=2))
    assert asked(fresh.raw, at=later(days=2)).reason is None


def test_d32_extending_in_time_keeps_the_tokens():
    made = opened(licence_ends_at=later(days=1))

    rotation.extend_licence(made.token.configuration, until=None, by="bob", at=later(hours=1))

    assert asked(made.raw, at=later(days=900)).reason is None


def test_a_licence_is_not_extended_into_the_past():
    made = opened(licence_ends_at=later(days=1))
    with pytest.raises(InvalidConnection):
        rotation.extend_licence(made.token.configuration, until=later(hours=1), by="bob", at=later(hours=2))
