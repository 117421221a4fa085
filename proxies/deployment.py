"""Deploy and undeploy. Sole writer of Deployment (D11, S0.29)."""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from proxies import history
from proxies.errors import Archived, NotDeployed
from proxies.models import ApiProxy, Deployment, Environment, ProxyGroup

Holder = ApiProxy | ProxyGroup


def _of(holder: Holder) -> dict[str, Holder]:
    return {"proxy" if isinstance(holder, ApiProxy) else "group": holder}


def deploy(
    holder: Holder, environment: Environment, *, by: str, note: str = "", at: datetime | None = None
) -> Deployment:
    """Deploy a proxy or group. After an undeployment tokens of before stay dead; deployed twice, nothing ends (D11)."""
    now = at or timezone.now()
    with transaction.atomic():
        kept = type(holder)._default_manager.select_for_update().get(pk=holder.pk)
        if kept.archived_at is not None:
            raise Archived
        found, created = Deployment.objects.get_or_create(
            **_of(holder), environment=environment, defaults={"deployed_at": now}
        )
        was = not created and found.undeployed_at is None
        if not created:
            Deployment.objects.filter(pk=found.pk).exclude(undeployed_at=None).update(
                undeployed_at=None, deployed_at=now
            )
            found.refresh_from_db()
        told = history.switched("deployed", True, was)
        history.record("deploy", holder, by=by, at=now, environment=environment.slug, note=note, **told)
    return found


def undeploy(
    holder: Holder, environment: Environment, *, by: str, note: str = "", at: datetime | None = None
) -> Deployment:
    """Undeploy, raising the generation: every token for it in this environment ends at once and for good (S0.29)."""
    now = at or timezone.now()
    with transaction.atomic():
        deployed = Deployment.objects.filter(**_of(holder), environment=environment, undeployed_at=None)
        if deployed.update(undeployed_at=now, generation=F("generation") + 1) == 0:
            raise NotDeployed
        told = history.switched("deployed", False)
        history.record("undeploy", holder, by=by, at=now, environment=environment.slug, note=note, **told)
    return Deployment.objects.get(**_of(holder), environment=environment)


def raise_all_generations() -> int:
    """End every token of every proxy and group in every environment, deployed or not; how many deployments."""
    return Deployment.objects.update(generation=F("generation") + 1)


def live(holder: Holder, environment: Environment) -> Deployment:
    """Where a proxy or group is deployed now. Raises NotDeployed."""
    found = Deployment.objects.filter(**_of(holder), environment=environment, undeployed_at=None).first()
    if found is None:
        raise NotDeployed
    return found
