"""Replacing a compromised token in one step (D32)."""

import pytest

from credentials import rotation
from credentials.errors import ConnectionClosed, ConnectionTokenRevoked, LicenceEnded
from credentials.models import ConnectionToken
from credentials.rotation import Cause
from tests.credentials.connections import START, active, asked, beat, later, opened, verbs


@pytest.mark.django_db
def test_d32_replace_now_makes_a_new_one_and_revokes_the_compromised_one_also_where_it_is_the_only_one():
    old = opened()
    beat(old.raw, at=START)

    new = rotation.replace_now(old.token, by="bob", because="leaked", at=later(minutes=1))

    assert active(old.token.configuration) == [new.token.pk]
    assert asked(old.raw).reason == "token_revoked"
    assert asked(new.raw).reason is None
    kept = ConnectionToken.objects.get(pk=old.token.pk)
    assert (kept.revoked_cause, kept.revoked_because, kept.revoked_by) == (Cause.REPLACED, "leaked", "bob")
    assert verbs(old.token.configuration)[-1] == ("replace token", "bob")


@pytest.mark.django_db
def test_d32_replacing_one_of_two_leaves_the_other_alone():
    first = opened()
    second = rotation.generate(first.token.configuration, by="ada")

    third = rotation.replace_now(first.token, by="ada")

    assert active(first.token.configuration) == [second.token.pk, third.token.pk]


@pytest.mark.django_db
def test_a_revoked_token_cannot_be_replaced_and_nothing_is_made():
    first = opened()
    rotation.replace_now(first.token, by="ada")

    with pytest.raises(ConnectionTokenRevoked):
        rotation.replace_now(first.token, by="ada")

    assert len(active(first.token.configuration)) == 1


@pytest.mark.django_db
def test_nothing_is_replaced_past_the_licence_or_after_closing():
    over = opened(licence_ends_at=later(days=1))
    with pytest.raises(LicenceEnded):
        rotation.replace_now(over.token, by="ada", at=later(days=2))
    closed = opened(name="closed")
    rotation.close(closed.token.configuration, by="ada")
    with pytest.raises(ConnectionClosed):
        rotation.replace_now(closed.token, by="ada")


def test_fifty_parallel_replacements_of_one_token_make_one(own_database):
    old = opened()

    def replace(index: int) -> None:
        rotation.replace_now(ConnectionToken.objects.get(pk=old.token.pk), by=f"caller {index}")

    outcomes = own_database.run_in_threads(50, replace)

    assert sum(outcome.error is None for outcome in outcomes) == 1
    assert {type(outcome.error) for outcome in outcomes if outcome.error} == {ConnectionTokenRevoked}
    assert len(active(old.token.configuration)) == 1
