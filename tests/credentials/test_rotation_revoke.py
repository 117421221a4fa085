"""Revoking a token (S4.15-S4.18, D32, D36)."""

import pytest
from django.utils import timezone

from credentials import heartbeats, rotation
from credentials.errors import ConnectionTokenInUse, LastConnectionToken
from credentials.models import ConnectionToken
from credentials.rotation import Cause
from tests.credentials.connections import START, active, asked, beat, later, opened, verbs


@pytest.mark.django_db
def test_s4_15_a_revoked_token_is_refused_and_keeps_who_when_and_why():
    first = opened()
    rotation.generate(first.token.configuration, by="ada", at=START)

    rotation.revoke(first.token, by="bob", because="rotated", at=later(days=1))

    kept = ConnectionToken.objects.get(pk=first.token.pk)
    assert (kept.slot, kept.revoked_at, kept.revoked_by) == (None, later(days=1), "bob")
    assert (kept.revoked_cause, kept.revoked_because) == (Cause.USER, "rotated")
    assert asked(first.raw, at=later(days=1)).reason == "token_revoked"
    assert verbs(first.token.configuration)[-1] == ("revoke token", "bob")


@pytest.mark.django_db
def test_s4_18_revoked_by_a_user_is_a_cause_of_its_own():
    first = opened()
    rotation.generate(first.token.configuration, by="ada", at=START)
    assert rotation.revoke(first.token, by="bob", at=later(days=1)).revoked_cause == Cause.USER


@pytest.mark.django_db
def test_s4_16_the_only_active_token_cannot_be_revoked():
    only = opened()

    with pytest.raises(LastConnectionToken):
        rotation.revoke(only.token, by="ada", even_if_in_use=True)

    assert asked(only.raw).reason is None
    assert verbs(only.token.configuration) == [("open", "ada")]


@pytest.mark.django_db
def test_s4_12_revoking_the_new_one_leaves_the_earlier_one_as_the_one_to_use():
    first = opened()
    second = rotation.generate(first.token.configuration, by="ada", at=START)

    rotation.revoke(second.token, by="ada", at=later(days=1))

    assert active(first.token.configuration) == [first.token.pk]
    assert asked(first.raw).reason is None


@pytest.mark.django_db
def test_revoking_twice_keeps_the_first_time_actor_and_reason():
    first = opened()
    rotation.generate(first.token.configuration, by="ada", at=START)
    rotation.revoke(first.token, by="bob", because="rotated", at=later(days=1))

    rotation.revoke(first.token, by="eve", because="again", at=later(days=2))

    kept = ConnectionToken.objects.get(pk=first.token.pk)
    assert (kept.revoked_by, kept.revoked_because, kept.revoked_at) == ("bob", "rotated", later(days=1))
    assert len(verbs(first.token.configuration)) == 3


@pytest.mark.django_db
def test_d36_revoking_a_token_used_in_the_last_hour_asks_again_naming_the_instance():
    first = opened()
    rotation.generate(first.token.configuration, by="ada", at=START)
    beat(first.raw, instance="edge-7", at=START)

    with pytest.raises(ConnectionTokenInUse, match=r"edge-7 at 192\.0\.2\.7"):
        rotation.revoke(first.token, by="ada", at=later(minutes=59))
    assert len(active(first.token.configuration)) == 2

    rotation.revoke(first.token, by="ada", even_if_in_use=True, at=later(minutes=59))
    assert len(active(first.token.configuration)) == 1


@pytest.mark.django_db
def test_d36_a_token_idle_for_an_hour_is_revoked_without_asking():
    first = opened()
    rotation.generate(first.token.configuration, by="ada", at=START)
    beat(first.raw, at=START)

    rotation.revoke(first.token, by="ada", at=later(hours=1))

    assert len(active(first.token.configuration)) == 1


def test_i3_fifty_rounds_of_revoking_both_at_once_leave_exactly_one(own_database):
    for round_ in range(50):
        first = opened(name=f"round {round_}", at=timezone.now())
        second = rotation.generate(first.token.configuration, by="ada")
        keys = (first.token.pk, second.token.pk)

        def revoke(index: int, keys: tuple[int, int] = keys) -> None:
            rotation.revoke(ConnectionToken.objects.get(pk=keys[index]), by="ada")

        outcomes = own_database.run_in_threads(2, revoke)

        assert sorted(str(type(outcome.error).__name__) for outcome in outcomes) == ["LastConnectionToken", "NoneType"]
        assert len(active(first.token.configuration)) == 1


def test_i3_fifty_parallel_revocations_of_two_tokens_leave_exactly_one(own_database):
    first = opened(at=timezone.now())
    second = rotation.generate(first.token.configuration, by="ada")
    keys = (first.token.pk, second.token.pk)

    def revoke(index: int) -> None:
        rotation.revoke(ConnectionToken.objects.get(pk=keys[index % 2]), by=f"caller {index}")

    outcomes = own_database.run_in_threads(50, revoke)

    assert {type(outcome.error) for outcome in outcomes if outcome.error} == {LastConnectionToken}
    assert len(active(first.token.configuration)) == 1
    assert [verb for verb, _ in verbs(first.token.configuration)].count("revoke token") == 1


def test_heartbeats_and_rotation_at_once_never_wait_for_each_other_in_a_circle(own_database):
    current = opened(at=timezone.now())

    for round_ in range(30):
        raw, key = current.raw, current.token.pk

        def act(index: int, raw: str = raw, key: int = key, round_: int = round_) -> object:
            if index:
                report = heartbeats.Report(f"edge-{round_}-{index}", "kubernetes")
                return heartbeats.heartbeat(raw, report, address="192.0.2.7")
            return rotation.replace_now(ConnectionToken.objects.get(pk=key), by="ada")

        outcomes = own_database.run_in_threads(8, act)

        assert {type(outcome.error).__name__ for outcome in outcomes} <= {"NoneType", "ConnectionTokenRefused"}
        current = outcomes[0].get()
