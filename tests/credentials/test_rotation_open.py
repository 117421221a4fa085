"""Opening a connection configuration (S4.2)."""

import pytest
from django.db import IntegrityError, transaction

from credentials import rotation, secrets
from credentials.errors import InvalidConnection
from credentials.models import ConnectionConfiguration, ConnectionToken
from tests.credentials.connections import KUBERNETES, REVERSE_PROXY, START, active, environment, later, opened, verbs

pytestmark = pytest.mark.django_db


def test_s4_2_a_token_is_made_when_a_configuration_is_opened():
    made = opened(description="Frankfurt", target_ports="443,8443", target_host="origin.example")

    configuration = ConnectionConfiguration.objects.get()
    assert active(configuration) == [made.token.pk]
    assert secrets.kind_of(made.raw) == secrets.CONNECTION_TOKEN
    assert (configuration.target_ports, configuration.target_host) == ("443, 8443", "origin.example")
    assert verbs(configuration) == [("open", "ada")]


def test_d19_the_token_is_stored_as_a_keyed_hash_and_sealed():
    made = opened()

    kept = ConnectionToken.objects.get()
    assert kept.digest == secrets.digest(made.raw)
    assert made.raw.encode() not in bytes(kept.sealed)
    assert (
        secrets.unseal(bytes(kept.sealed), context=f"credentials_connectiontoken:{kept.digest}:sealed").decode()
        == made.raw
    )


def test_d19_a_sealed_value_opens_in_its_own_row_only():
    mine, other = opened(), opened(name="US edge")
    ConnectionToken.objects.filter(pk=mine.token.pk).update(sealed=other.token.sealed)

    with pytest.raises(Exception, match="cannot be opened"):
        rotation.reveal(ConnectionToken.objects.get(pk=mine.token.pk), by="ada")


def test_s4_23_a_deployment_type_may_have_many_configurations_and_a_configuration_has_one_type():
    opened(name="one"), opened(name="two"), opened(name="three", deployment_type=REVERSE_PROXY)

    assert ConnectionConfiguration.objects.filter(deployment_type=KUBERNETES).count() == 2
    assert "deployment_type" not in rotation.Changes.__annotations__


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "  "},
        {"name": "x" * 151},
        {"name": "nul\x00"},
        {"deployment_type": "mainframe"},
        {"target_ports": "0"},
        {"target_ports": "443,70000"},
        {"target_ports": "443;22"},
        {"target_host": "https://origin.example/"},
        {"target_host": "two words"},
        {"target_protocol": "ftp"},
        {"licence_ends_at": START},
    ],
)
def test_values_that_cannot_work_open_nothing(fields):
    with pytest.raises(InvalidConnection):
        opened(**fields)

    assert not ConnectionConfiguration.objects.exists()


@pytest.mark.parametrize("host", ["origin.example", "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "localhost", ""])
def test_a_target_host_is_a_name_or_an_address(host):
    assert opened(target_host=host).token.configuration.target_host == host


def test_i1_the_database_itself_refuses_a_third_active_token():
    made = opened()
    rotation.generate(made.token.configuration, by="ada")

    for slot in (1, 2, 3, None):
        with pytest.raises(IntegrityError), transaction.atomic():
            ConnectionToken.objects.create(
                configuration=made.token.configuration,
                slot=slot,
                digest=f"{slot}",
                sealed=b"",
                created_at=later(days=1),
            )
    assert len(active(made.token.configuration)) == 2


def test_the_value_is_in_no_text_about_the_token():
    made = opened()

    assert made.raw not in f"{made.token} {made.token!r} {made.token.configuration!r} {environment()}"
