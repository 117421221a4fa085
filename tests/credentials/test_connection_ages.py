"""Age badges, lists and the scheduled sweeps (D34)."""

import pytest
import time_machine

from credentials import rotation
from credentials.jobs import JOBS
from credentials.models import ConnectionConfiguration
from credentials.rules import Rotation
from proxies import jobs
from tests.credentials.connections import active, beat, later, opened
from tests.jobs import ran

pytestmark = pytest.mark.django_db
NOW = later(days=800)


def of(advice: Rotation) -> list[str]:
    return list(ConnectionConfiguration.objects.rotation_due(advice, NOW).values_list("name", flat=True))


@pytest.fixture
def ages():
    opened(name="year", at=later(days=400))
    opened(name="half", at=later(days=600))
    opened(name="new", at=later(days=790))
    rotation.close(opened(name="closed", at=later(days=1)).token.configuration, by="ada")


@pytest.mark.usefixtures("ages")
def test_d34_configurations_are_listed_by_the_age_of_their_oldest_active_token():
    assert of(Rotation.OVERDUE) == ["year"]
    assert of(Rotation.RECOMMENDED) == ["half"]
    assert of(Rotation.FRESH) == ["new"]


@pytest.mark.usefixtures("ages")
def test_d34_a_rotation_is_done_when_the_old_token_is_revoked():
    year = ConnectionConfiguration.objects.get(name="year")
    rotation.generate(year, by="ada", at=NOW)
    assert of(Rotation.OVERDUE) == ["year"]

    rotation.revoke(year.tokens.earliest("created_at"), by="ada", at=NOW)
    assert of(Rotation.OVERDUE) == []


@pytest.mark.usefixtures("ages")
def test_d34_no_token_is_ever_revoked_for_its_age():
    with time_machine.travel(NOW):
        for job in JOBS:
            job.work(lambda: None)

    year = ConnectionConfiguration.objects.get(name="year")
    assert len(active(year)) == 1


def test_the_sweeps_report_what_they_did():
    made = opened(licence_ends_at=later(days=1))
    beat(made.raw)
    with time_machine.travel(NOW):
        assert jobs.job_named("expire_licences").backlog(NOW) == 1
        assert ran("expire_licences") == {"configurations": 1, "tokens": 1}
        assert ran("forget_silent_instances") == {"instances": 1}
        assert jobs.job_named("expire_licences").backlog(NOW) == 0
        assert ran("expire_licences") == {"configurations": 0, "tokens": 0}
