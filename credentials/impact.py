"""What an act on something of this floor would end."""

from django.db.models import Model
from django.utils import timezone

from credentials import rules
from credentials.models import ConnectionConfiguration
from proxies.adminkit import ImpactLine


def of_connection(subject: Model, act: str) -> list[ImpactLine]:
    """Deleting a configuration: its active tokens, and the instances that report with them."""
    if not isinstance(subject, ConnectionConfiguration) or act != "delete":
        return []
    now = timezone.now()
    active = list(subject.tokens.filter(slot__isnull=False))
    recent = [token for token in active if rules.used_recently(token.last_used_at, now)]
    reporting = subject.instances.filter(last_heartbeat_at__gte=now - rules.SILENCE)
    names = ", ".join(reporting.values_list("instance_id", flat=True)[:5])
    return [
        ImpactLine("active connection tokens", len(active)),
        ImpactLine("of these used in the last hour", len(recent)),
        ImpactLine("instances that report now", reporting.count(), names),
    ]
