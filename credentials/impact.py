"""What an act on something of this floor would end."""

from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from credentials import personal_tokens, rules
from credentials.models import ConnectionConfiguration, User
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
        ImpactLine(_("active connection tokens"), len(active)),
        ImpactLine(_("of these used in the last hour"), len(recent)),
        ImpactLine(_("instances that report now"), reporting.count(), names),
    ]


def of_person(subject: Model, act: str) -> list[ImpactLine]:
    """Whatever ends a person's tokens ends the personal ones as well (D31)."""
    if not isinstance(subject, User) or act not in ("set-password", "deactivate", "end-everything", "reset"):
        return []
    live = personal_tokens.live(subject, timezone.now())
    count = live.count()
    names = ", ".join(live.values_list("name", flat=True)[:5])
    return [ImpactLine(_("Personal access tokens"), count, names)] if count else []
