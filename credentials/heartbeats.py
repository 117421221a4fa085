"""What instances report, and when a token was used. Sole writer of GatewayInstance, of last uses and last refusals."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from credentials import gateways, rules
from credentials.errors import ConnectionTokenRefused
from credentials.gateways import Use
from credentials.models import ConnectionConfiguration, ConnectionToken, GatewayInstance
from credentials.rules import Refusal

# A caller that is refused a hundred times a second is written down once a minute.
REFUSAL_PAUSE = timedelta(minutes=1)
# Names of containers come and go; one that was silent for a month is not coming back.
FORGET_AFTER = timedelta(days=30)


class Report(NamedTuple):
    """What an instance says of itself."""

    instance: str
    deployment_type: str
    version: str = ""
    protecting: bool = True


def heartbeat(raw: str, report: Report, *, address: str, at: datetime | None = None) -> GatewayInstance:
    """Keep that this instance is there and used this token (D36).

    A token that does not prove it raises ConnectionTokenRefused, and the configuration keeps why (D33).
    """
    now = at or timezone.now()
    gateway = gateways.connection(
        raw,
        environment_id=None,
        instance=report.instance,
        deployment_type=report.deployment_type,
        address=address,
        now=now,
    )
    if gateway.reason is not None or gateway.use is None or gateway.configuration_id is None:
        reason = gateway.reason or Refusal.UNKNOWN_TOKEN
        record_refusal(gateway.configuration_id, reason, report=report, address=address, at=now)
        raise ConnectionTokenRefused(reason)
    with transaction.atomic():
        record_use([gateway.use])
        return _seen(gateway.configuration_id, gateway.use, report)


def _seen(configuration_id: int, use: Use, report: Report) -> GatewayInstance:
    """One upsert: two first heartbeats at once leave one row."""
    GatewayInstance.objects.bulk_create(
        [
            GatewayInstance(
                configuration_id=configuration_id,
                instance_id=use.instance,
                deployment_type=report.deployment_type,
                version=rules.shown(report.version, 60),
                address=use.address,
                protecting=report.protecting,
                first_heartbeat_at=use.at,
                last_heartbeat_at=use.at,
            )
        ],
        update_conflicts=True,
        unique_fields=("configuration", "instance_id"),
        update_fields=("deployment_type", "version", "address", "protecting", "last_heartbeat_at"),
    )
    return GatewayInstance.objects.get(configuration_id=configuration_id, instance_id=use.instance)


def record_use(uses: Iterable[Use]) -> int:
    """Keep the latest use of each token, forward only: a report that comes late never turns the time back (D36)."""
    latest: dict[int, Use] = {}
    for use in uses:
        if use.token_id not in latest or latest[use.token_id].at < use.at:
            latest[use.token_id] = use
    written = 0
    # In the order of the key, so that two writers at once never wait for each other.
    for key in sorted(latest):
        use = latest[key]
        written += ConnectionToken.objects.filter(
            Q(last_used_at__isnull=True) | Q(last_used_at__lt=use.at), pk=key
        ).update(last_used_at=use.at, last_used_instance=use.instance, last_used_address=use.address)
    return written


def record_refusal(
    configuration_id: int | None, reason: Refusal, *, report: Report, address: str, at: datetime | None = None
) -> bool:
    """Keep a refusal as the configuration's last one (D33); the same one again at most once a minute."""
    if configuration_id is None:
        return False
    now = at or timezone.now()
    because = _told(reason, report, address)
    stale = Q(last_refused_at__isnull=True) | Q(last_refused_at__lte=now - REFUSAL_PAUSE)
    other = Q(last_refused_at__lt=now) & ~Q(last_refused_because=because)
    written = ConnectionConfiguration.objects.filter(stale | other, pk=configuration_id).update(
        last_refused_at=now, last_refused_because=because
    )
    return written == 1


def _told(reason: Refusal, report: Report, address: str) -> str:
    """The reason in words, with who it was. What a stranger wrote is cut short, so that the reason always fits."""
    instance = rules.shown(report.instance, 60) or "an instance without a name"
    stated = f" stating {rules.shown(report.deployment_type, 20)}" if report.deployment_type else ""
    place = f" at {known}" if (known := rules.readable_address(address)) else ""
    return f"{rules.REFUSAL_SENTENCES[reason].capitalize()}: {instance}{stated}{place}"[:200]


def forget_silent_instances(*, at: datetime | None = None) -> int:
    """Take instances off the list that were silent for a month."""
    now = at or timezone.now()
    forgotten, _ = GatewayInstance.objects.filter(last_heartbeat_at__lt=now - FORGET_AFTER).delete()
    return forgotten
