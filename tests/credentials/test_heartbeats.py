"""Heartbeats, last uses and last refusals (S4.1, S4.22, D33, D36, F4)."""

from datetime import timedelta

import pytest

from credentials import gateways, heartbeats, rotation, secrets
from credentials.errors import ConnectionTokenRefused
from credentials.models import ConnectionConfiguration, ConnectionToken, GatewayInstance
from tests.credentials.connections import (
    KUBERNETES,
    REVERSE_PROXY,
    START,
    asked,
    beat,
    environment,
    later,
    opened,
)


@pytest.mark.django_db
def test_s4_1_a_token_proves_an_instance_and_the_instance_is_listed():
    made = opened()

    beat(made.raw, version="1.4.0", at=START)
    beat(made.raw, version="1.5.0", protecting=False, at=later(minutes=1))

    seen = GatewayInstance.objects.get()
    assert (seen.instance_id, seen.deployment_type, seen.version) == ("edge-1", KUBERNETES, "1.5.0")
    assert (seen.first_heartbeat_at, seen.last_heartbeat_at) == (START, later(minutes=1))
    assert (seen.address, seen.protecting) == ("192.0.2.7", False)


@pytest.mark.django_db
def test_d36_each_slot_says_when_and_from_which_instance_and_address_it_was_used():
    first = opened()
    second = rotation.generate(first.token.configuration, by="ada", at=START)
    beat(first.raw, instance="edge-1", at=START)
    beat(second.raw, instance="edge-2", at=later(minutes=1))

    uses = ConnectionToken.objects.order_by("pk").values_list("last_used_at", "last_used_instance", "last_used_address")
    assert list(uses) == [(START, "edge-1", "192.0.2.7"), (later(minutes=1), "edge-2", "192.0.2.7")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "reason", "told"),
    [
        (REVERSE_PROXY, "other_deployment_type", "The token was made for another deployment type"),
        ("", "no_deployment_type", "The instance stated no deployment type"),
    ],
)
def test_s4_22_d33_a_token_of_another_type_or_of_an_instance_that_states_none_is_refused(kind, reason, told):
    made = opened()

    with pytest.raises(ConnectionTokenRefused) as refused:
        beat(made.raw, kind=kind)

    assert refused.value.reason == reason
    kept = ConnectionConfiguration.objects.get()
    assert kept.last_refused_at == START
    assert kept.last_refused_because.startswith(told)
    assert "edge-1" in kept.last_refused_because
    assert "192.0.2.7" in kept.last_refused_because
    assert not GatewayInstance.objects.exists()
    assert ConnectionToken.objects.get().last_used_at is None


@pytest.mark.django_db
def test_d33_every_refusal_of_a_known_token_is_shown_as_the_last_one():
    revoked = opened(name="revoked")
    rotation.replace_now(revoked.token, by="ada", at=START)
    closed = opened(name="closed")
    rotation.close(closed.token.configuration, by="ada", at=START)
    over = opened(name="over", licence_ends_at=later(days=1))

    for made in (revoked, closed, over):
        with pytest.raises(ConnectionTokenRefused):
            beat(made.raw, at=later(days=1))

    told = dict(ConnectionConfiguration.objects.values_list("name", "last_refused_because"))
    assert told["revoked"].startswith("The token is revoked")
    assert told["closed"].startswith("The configuration was deleted")
    assert told["over"].startswith("The licence has ended")


@pytest.mark.django_db
def test_a_refusal_again_and_again_is_written_once_a_minute():
    made = opened()
    for second in (0, 10, 59):
        with pytest.raises(ConnectionTokenRefused):
            beat(made.raw, kind="", at=later(seconds=second))
    assert ConnectionConfiguration.objects.get().last_refused_at == START

    with pytest.raises(ConnectionTokenRefused):
        beat(made.raw, kind=REVERSE_PROXY, at=later(seconds=59))
    assert ConnectionConfiguration.objects.get().last_refused_at == later(seconds=59)


@pytest.mark.django_db
@pytest.mark.parametrize("raw", ["", "x", "lk_ct_" + "0" * 72, "lk_at_" + "0" * 72, "\x00", "ü" * 5000, "\ud800"])
def test_a_malformed_token_is_refused_before_any_query(raw, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert asked(raw).reason == "unknown_token"


@pytest.mark.django_db
def test_a_token_of_another_kind_is_refused_before_any_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert asked(secrets.make(secrets.ACCESS_TOKEN)).reason == "unknown_token"


@pytest.mark.django_db
def test_who_a_gateway_is_takes_one_select_and_writes_nothing(django_assert_num_queries):
    made = opened()
    with django_assert_num_queries(1):
        answer = asked(made.raw, environment_id=made.token.configuration.environment_id)
    assert answer.use == gateways.Use(made.token.pk, START, "edge-1", "192.0.2.7")
    with django_assert_num_queries(1):
        assert asked(secrets.make(secrets.CONNECTION_TOKEN)).reason == "unknown_token"


@pytest.mark.django_db
def test_a_token_of_another_environment_is_refused_at_a_door_of_this_one():
    made = opened()
    answer = asked(made.raw, environment_id=environment("live").pk)
    assert (answer.reason, answer.configuration_id) == ("other_environment", made.token.configuration_id)


@pytest.mark.django_db
def test_last_use_is_recorded_in_bulk_and_moves_forward_only():
    made = opened()
    uses = [gateways.Use(made.token.pk, later(seconds=s), f"edge-{s}", None) for s in (3, 9, 5)]

    assert heartbeats.record_use(uses) == 1
    assert heartbeats.record_use(uses) == 0

    kept = ConnectionToken.objects.get()
    assert (kept.last_used_at, kept.last_used_instance, kept.last_used_address) == (later(seconds=9), "edge-9", None)


@pytest.mark.django_db
def test_what_a_stranger_wrote_is_kept_printable_and_short():
    made = opened()

    beat(made.raw, instance="edge\x00\x1b[31m\ud800" + "x" * 500, version="1\x00" + "9" * 500)

    seen = GatewayInstance.objects.get()
    assert seen.instance_id.startswith("edge[31mxxx")
    assert len(seen.instance_id) <= 150
    assert len(seen.version) <= 60


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "kept"), [("fe80::1%eth0", "fe80::1"), ("", None), ("unix:", None), ("2001:db8::1", "2001:db8::1")]
)
def test_an_address_that_is_none_is_kept_as_none(address, kept):
    made = opened()
    heartbeats.heartbeat(made.raw, heartbeats.Report("edge", KUBERNETES), address=address, at=START)
    assert GatewayInstance.objects.get().address == kept


@pytest.mark.django_db
def test_an_instance_that_was_silent_for_a_month_is_forgotten():
    made = opened()
    beat(made.raw, instance="gone", at=START)
    beat(made.raw, instance="here", at=later(days=20))

    assert heartbeats.forget_silent_instances(at=later(days=30) + timedelta(seconds=1)) == 1

    assert [seen.instance_id for seen in GatewayInstance.objects.all()] == ["here"]


def test_two_first_heartbeats_at_once_leave_one_instance(own_database):
    made = opened()
    outcomes = own_database.run_in_threads(20, lambda index: beat(made.raw, at=later(seconds=index)))

    assert [outcome.error for outcome in outcomes] == [None] * 20
    assert GatewayInstance.objects.count() == 1
    assert ConnectionToken.objects.get().last_used_at == later(seconds=19)
