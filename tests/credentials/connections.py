"""A connection configuration to test with, and the moments of its life."""

from datetime import UTC, datetime, timedelta
from typing import Any

from credentials import gateways, heartbeats, rotation
from credentials.heartbeats import Report
from credentials.models import ConnectionConfiguration, ConnectionToken
from credentials.rotation import Made
from proxies.models import ChangeRecord, Environment

START = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
KUBERNETES = "kubernetes"
REVERSE_PROXY = "reverse_proxy"


def later(**span: float) -> datetime:
    """A moment of the test's own time."""
    return START + timedelta(**span)


def environment(slug: str = "test") -> Environment:
    return Environment.objects.get_or_create(slug=slug, defaults={"name": slug.capitalize()})[0]


def opened(*, name: str = "EU edge", at: datetime = START, **fields: Any) -> Made:
    """A configuration with its first token."""
    fields = {"deployment_type": KUBERNETES, "environment": environment(), "by": "ada", **fields}
    return rotation.open_connection(name=name, at=at, **fields)


def beat(raw: str, *, instance: str = "edge-1", kind: str = KUBERNETES, at: datetime = START, **more: Any) -> Any:
    return heartbeats.heartbeat(raw, Report(instance, kind, **more), address="192.0.2.7", at=at)


def asked(raw: str, *, at: datetime = START, kind: str = KUBERNETES, environment_id: int | None = None) -> Any:
    """What verify and introspection are told."""
    return gateways.connection(
        raw, environment_id=environment_id, instance="edge-1", deployment_type=kind, address="192.0.2.7", now=at
    )


def active(configuration: ConnectionConfiguration) -> list[int]:
    return list(
        ConnectionToken.objects.filter(configuration=configuration, slot__isnull=False)
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def verbs(configuration: ConnectionConfiguration) -> list[tuple[str, str]]:
    """Who did what to it, oldest first."""
    records = ChangeRecord.objects.filter(subject_kind="connectionconfiguration", subject_id=configuration.pk)
    return list(records.order_by("id").values_list("verb", "actor"))
