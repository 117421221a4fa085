"""Generating a second token beside the first (S4.7-S4.12)."""

import pytest
from django.utils import timezone

from credentials import rotation
from credentials.errors import ConnectionClosed, LicenceEnded, NoFreeConnectionSlot
from credentials.models import ConnectionConfiguration, ConnectionToken
from tests.credentials.connections import START, active, asked, later, opened, verbs


@pytest.mark.django_db
def test_s4_9_generating_while_one_is_in_use_yields_two_active_tokens():
    first = opened()

    second = rotation.generate(first.token.configuration, by="bob", at=later(days=1))

    assert active(first.token.configuration) == [first.token.pk, second.token.pk]
    assert {token.slot for token in ConnectionToken.objects.all()} == {1, 2}
    assert verbs(first.token.configuration)[-1] == ("generate token", "bob")


@pytest.mark.django_db
def test_s4_7_a_token_has_no_time_limit_and_the_old_one_stays_valid():
    first = opened()
    second = rotation.generate(first.token.configuration, by="bob", at=later(days=1))

    for made in (first, second):
        assert asked(made.raw, at=later(days=3650)).reason is None


@pytest.mark.django_db
def test_s4_8_a_third_active_token_is_refused():
    first = opened()
    rotation.generate(first.token.configuration, by="ada")

    with pytest.raises(NoFreeConnectionSlot):
        rotation.generate(first.token.configuration, by="ada")

    assert len(active(first.token.configuration)) == 2
    assert [verb for verb, _ in verbs(first.token.configuration)] == ["open", "generate token"]


@pytest.mark.django_db
def test_s4_6_generate_register_revoke_in_this_order_frees_the_slot_for_the_next_time():
    configuration = opened().token.configuration
    for _ in range(4):
        made = rotation.generate(configuration, by="ada", at=START)
        old = ConnectionToken.objects.get(pk=active(configuration)[0])
        rotation.revoke(old, by="ada", at=later(days=1))
        assert active(configuration) == [made.token.pk]


@pytest.mark.django_db
def test_d32_no_token_is_made_past_the_licence_or_after_closing():
    over = opened(licence_ends_at=later(days=1)).token.configuration
    with pytest.raises(LicenceEnded):
        rotation.generate(over, by="ada", at=later(days=1))

    closed = rotation.close(opened(name="closed").token.configuration, by="ada")
    with pytest.raises(ConnectionClosed):
        rotation.generate(closed, by="ada")


def test_i1_fifty_parallel_generations_leave_two_active_tokens(own_database):
    configuration = opened(at=timezone.now()).token.configuration

    def generate(index: int) -> int:
        mine = ConnectionConfiguration.objects.get(pk=configuration.pk)
        return rotation.generate(mine, by=f"caller {index}").token.pk

    outcomes = own_database.run_in_threads(50, generate)

    winners = [outcome.value for outcome in outcomes if outcome.error is None]
    assert len(winners) == 1
    assert {type(outcome.error) for outcome in outcomes if outcome.error} == {NoFreeConnectionSlot}
    assert len(active(configuration)) == 2
    assert [verb for verb, _ in verbs(configuration)] == ["open", "generate token"]
