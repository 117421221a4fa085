"""The scheduled jobs of this floor."""

from datetime import datetime

from django.utils.translation import gettext_noop

from credentials import heartbeats, rotation
from credentials.models import ConnectionConfiguration
from proxies.jobs import Counts, Job, Keep, bounded


def _expire_licences(keep: Keep) -> Counts:  # noqa: ARG001 - few at a time, each quick
    return rotation.expire_licences()._asdict()


def _licences_past(now: datetime) -> int:
    return bounded(ConnectionConfiguration.objects.past_licence(now))


def _forget_silent_instances(keep: Keep) -> Counts:  # noqa: ARG001 - one statement
    return {"instances": heartbeats.forget_silent_instances()}


JOBS = (
    Job(
        "expire_licences",
        gettext_noop("Expire licences"),
        gettext_noop(
            "Revokes the connection tokens of licences that have ended. Verification refuses them since that moment."
        ),
        _expire_licences,
        _licences_past,
    ),
    Job(
        "forget_silent_instances",
        gettext_noop("Forget silent instances"),
        gettext_noop("Takes gateway instances off the lists that were silent for a month."),
        _forget_silent_instances,
    ),
)
