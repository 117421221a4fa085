"""After a backup was restored: what was revoked since it was made would be good again, so everything ends."""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from credentials import clients, users
from proxies import deployment, history
from proxies.models import Environment


@dataclass(frozen=True, slots=True)
class Raised:
    """How many generations were raised."""

    credentials: int
    users: int
    deployments: int


def raise_all_generations(*, by: str, at: datetime | None = None) -> Raised:
    """End every access token, refresh key and login of the installation, at once and for good (D11).

    Secrets, passwords, connection tokens and signing keys stay as the backup has them.
    """
    now = at or timezone.now()
    with transaction.atomic():
        raised = Raised(
            credentials=clients.raise_all_generations(),
            users=users.raise_all_generations(),
            deployments=deployment.raise_all_generations(),
        )
        told = asdict(raised)
        for environment in Environment.objects.all():
            history.record(
                "raise all generations", environment, by=by, at=now, environment=environment.slug, after=told
            )
    return raised
