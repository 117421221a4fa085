"""When a secret or key last proved its client. Sole writer of these times; forward only (D25, D36)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Q

from credentials.models import CredentialKey, CredentialSecret

# A time that is exact to the minute answers "is the old one still in use?" and spares a write for each request.
PAUSE = timedelta(minutes=1)


def record(*, secrets: Mapping[int, datetime], keys: Mapping[int, datetime]) -> int:
    """Write when each was last used; how many times moved. In the order of ids, so that two writers never lock up."""
    moved = 0
    for secret_id, at in sorted(secrets.items()):
        moved += CredentialSecret.objects.filter(_stale(at), pk=secret_id).update(last_used_at=at)
    for key_id, at in sorted(keys.items()):
        moved += CredentialKey.objects.filter(_stale(at), pk=key_id).update(last_used_at=at)
    return moved


def _stale(at: datetime) -> Q:
    return Q(last_used_at__isnull=True) | Q(last_used_at__lt=at - PAUSE)
