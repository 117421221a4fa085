"""The rules of connection tokens, as tables."""

from datetime import UTC, datetime, timedelta

import pytest

from credentials import rules
from credentials.rules import ConnectionFacts, InstanceStatus, Refusal, Rotation

NOW = datetime(2026, 8, 31, 12, 0, tzinfo=UTC)
GOOD = ConnectionFacts(1, None, 2, 3, "kubernetes", None, None)


@pytest.mark.parametrize(
    ("facts", "environment", "kind", "reason"),
    [
        (GOOD, 3, "kubernetes", None),
        (GOOD, None, "kubernetes", None),
        (None, 3, "kubernetes", Refusal.UNKNOWN_TOKEN),
        (GOOD._replace(revoked_at=NOW), 3, "kubernetes", Refusal.TOKEN_REVOKED),
        (GOOD._replace(revoked_at=NOW, closed_at=NOW), 3, "kubernetes", Refusal.CONFIGURATION_CLOSED),
        (GOOD._replace(licence_ends_at=NOW), 3, "kubernetes", Refusal.LICENCE_ENDED),
        (GOOD._replace(licence_ends_at=NOW + timedelta(seconds=1)), 3, "kubernetes", None),
        (GOOD, 4, "kubernetes", Refusal.OTHER_ENVIRONMENT),
        (GOOD, 3, "", Refusal.NO_DEPLOYMENT_TYPE),
        (GOOD, 3, "Kubernetes", Refusal.OTHER_DEPLOYMENT_TYPE),
        (GOOD, 3, "reverse_proxy", Refusal.OTHER_DEPLOYMENT_TYPE),
    ],
)
def test_why_a_connection_is_refused(facts, environment, kind, reason):
    found = rules.why_connection_refused(facts, environment_id=environment, deployment_type=kind, now=NOW)
    assert found == reason


def test_every_refusal_has_its_sentence():
    assert set(rules.REFUSAL_SENTENCES) == set(Refusal)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (None, Rotation.FRESH),
        (datetime(2026, 2, 28, 12, 0, 1, tzinfo=UTC), Rotation.FRESH),
        (datetime(2026, 2, 28, 12, 0, 0, tzinfo=UTC), Rotation.RECOMMENDED),
        (datetime(2025, 8, 31, 12, 0, 1, tzinfo=UTC), Rotation.RECOMMENDED),
        (datetime(2025, 8, 31, 12, 0, 0, tzinfo=UTC), Rotation.OVERDUE),
        (datetime(1999, 1, 1, tzinfo=UTC), Rotation.OVERDUE),
    ],
)
def test_d34_six_months_recommend_a_rotation_and_twelve_make_it_overdue(made, expected):
    assert rules.rotation(made, NOW) is expected


@pytest.mark.parametrize(
    ("moment", "months", "before"),
    [
        (datetime(2026, 1, 31, tzinfo=UTC), 12, datetime(2025, 1, 31, tzinfo=UTC)),
        (datetime(2026, 1, 31, tzinfo=UTC), 1, datetime(2025, 12, 31, tzinfo=UTC)),
        (datetime(2026, 8, 31, tzinfo=UTC), 6, datetime(2026, 2, 28, tzinfo=UTC)),
        (datetime(2024, 2, 29, tzinfo=UTC), 12, datetime(2023, 2, 28, tzinfo=UTC)),
        (datetime(2026, 12, 15, tzinfo=UTC), 12, datetime(2025, 12, 15, tzinfo=UTC)),
    ],
)
def test_months_are_of_the_calendar(moment, months, before):
    assert rules.months_before(moment, months) == before


@pytest.mark.parametrize(
    ("silent", "protecting", "status"),
    [
        (timedelta(minutes=1), True, InstanceStatus.GOOD),
        (timedelta(minutes=1), False, InstanceStatus.WARNING),
        (timedelta(minutes=5), True, InstanceStatus.GOOD),
        (timedelta(minutes=5, seconds=1), True, InstanceStatus.PROBLEM),
        (timedelta(days=5), False, InstanceStatus.PROBLEM),
    ],
)
def test_f4_an_instance_is_good_warning_or_problem(silent, protecting, status):
    assert rules.instance_status(last_heartbeat_at=NOW - silent, protecting=protecting, now=NOW) is status


@pytest.mark.parametrize(
    ("ports", "kept"),
    [("", ""), ("443", "443"), ("80, 0443,80", "80, 443"), ("0", None), ("65536", None), ("a", None), ("1,,2", None),
     ("²", None), ("-1", None)],
)  # fmt: skip
def test_target_ports(ports, kept):
    assert rules.target_ports(ports) == kept
