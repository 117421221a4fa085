"""What a dangerous step would end or refuse, counted (D12). Reads only."""

from django.db.models import Model

from credentials.models import CredentialDeployment
from proxies.adminkit import ImpactLine, impact_of
from proxies.models import Deployment
from tokens.configuration import carrying
from tokens.configuration.plans import Step

_ACTS = {"set mode": "set-mode", "remove member": "remove-member", "deactivate key": "deactivate", "close": "delete"}


def impact(step: Step) -> tuple[ImpactLine, ...]:
    """The lines that the admin shows for the same act."""
    if not step.dangerous:
        return ()
    subject = _subject(step)
    return () if subject is None else tuple(impact_of(subject, _ACTS.get(step.verb, step.verb)))


def _subject(step: Step) -> Model | None:
    other = step.values.get("other", "")
    if step.verb == "undeploy":
        if step.section == "credentials":
            own = CredentialDeployment.objects.filter(credential__client_id=step.name)
            return own.filter(environment__slug=other).first()
        kind = "proxy" if step.section == "proxies" else "group"
        return Deployment.objects.filter(**{f"{kind}__slug": step.name, "environment__slug": other}).first()
    return carrying.subject_of(step)
