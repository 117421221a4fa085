"""Scheduled work of this floor: sweeps without arguments, which may be lost or run twice."""

from celery import shared_task
from django.utils import timezone

from credentials import heartbeats, rotation
from credentials.models import ConnectionConfiguration
from credentials.rules import Rotation


@shared_task
def expire_licences() -> dict[str, int]:
    """Revoke the tokens of licences that have ended; verification has refused them since that moment (S4.19)."""
    return rotation.expire_licences()._asdict()


@shared_task
def rotation_reminders() -> dict[str, list[int]]:
    """The configurations whose tokens should be, or should long have been, rotated (D34)."""
    now = timezone.now()
    return {
        advice.value: list(ConnectionConfiguration.objects.rotation_due(advice, now).values_list("pk", flat=True))
        for advice in (Rotation.RECOMMENDED, Rotation.OVERDUE)
    }


@shared_task
def forget_silent_instances() -> int:
    """Take instances off the lists that were silent for a month."""
    return heartbeats.forget_silent_instances()
