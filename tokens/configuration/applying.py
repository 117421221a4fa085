"""Plan, and carry out what was confirmed: whole or not at all."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from credentials.errors import CredentialError
from proxies.errors import ProxyError
from tokens.configuration import carrying, checks, given, losing, present, reading
from tokens.configuration.carrying import Actor, Made
from tokens.configuration.difference import difference
from tokens.configuration.given import ReadSecret
from tokens.configuration.plans import Difference, Plan, PlannedStep, Step, fingerprint, sentence
from tokens.configuration.schema import Document, document
from tokens.errors import PlanChanged, StepRefused, TokenError


def read(text: str) -> Document:
    """The document that a YAML or JSON text is. Raises InvalidConfiguration with every path at fault."""
    return document(reading.read(text))


def plan(wanted: Document, *, read_secret: ReadSecret | None = None, at: datetime | None = None) -> Plan:
    """What applying the document would do now. Nothing is written. Raises InvalidConfiguration.

    `read_secret` gives the content of a `client_secret_file`; without it the document may name none.
    """
    found = _difference(wanted, read_secret, at or timezone.now())
    planned = tuple(PlannedStep(step, sentence(step), losing.impact(step)) for step in found.steps)
    return Plan(planned, found.unchanged, found.unnamed, sum(map(carrying.makes_a_secret, found.steps)))


def apply(
    wanted: Document,
    *,
    by: str,
    confirmed: str,
    read_secret: ReadSecret | None = None,
    hand_over: Callable[[Made], None] | None = None,
    at: datetime | None = None,
) -> Made:
    """Carry out the plan whose fingerprint was confirmed, whole or not at all; the secrets that were made.

    `hand_over` gets them before the commit: where it raises, nothing has happened, and none is lost. Raises
    PlanChanged where another plan is due by now, StepRefused where a writer refuses a step.
    """
    now = at or timezone.now()
    actor = Actor(by, now, Made())
    with transaction.atomic():
        steps = _difference(wanted, read_secret, now).steps
        if fingerprint(steps) != confirmed:
            raise PlanChanged
        for step in steps:
            _carry_out(step, actor)
        if hand_over is not None and not actor.made.nothing:
            hand_over(actor.made)
    return actor.made


def _difference(wanted: Document, read_secret: ReadSecret | None, now: datetime) -> Difference:
    found = present.read(now)
    checks.check(wanted, found)
    whole, proved = given.secrets_of(wanted, found, read_secret, now)
    return difference(whole, found.sections, proved=proved)


def _carry_out(step: Step, actor: Actor) -> None:
    try:
        carrying.carry_out(step, actor)
    except (TokenError, CredentialError, ProxyError) as refusal:
        raise StepRefused(f"{step.section}.{step.name}: {refusal} Nothing was changed.", refusal.code) from refusal
