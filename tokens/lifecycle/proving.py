"""Gateways prove themselves with a connection token (gateways.md section 8, S4.1)."""

from dataclasses import dataclass
from datetime import datetime

from credentials import gateways
from credentials.heartbeats import Report
from tokens import sightings
from tokens.errors import GatewayRefused


@dataclass(frozen=True, slots=True)
class Proof:
    """What a gateway shows of itself: its connection token, instance, deployment type and address."""

    token: str
    instance: str = ""
    deployment_type: str = ""
    address: str = ""

    def __repr__(self) -> str:
        return f"Proof({self.instance!r})"


def prove(proof: Proof | None, *, environment_id: int, required: bool, now: datetime) -> bool:
    """True for a gateway that proved itself, False where none tried and none has to.

    A bad proof raises GatewayRefused whether or not one is required. Uses and refusals are written later, in bulk.
    """
    if proof is None:
        if required:
            raise GatewayRefused
        return False
    gateway = gateways.connection(
        proof.token,
        environment_id=environment_id,
        instance=proof.instance,
        deployment_type=proof.deployment_type,
        address=proof.address,
        now=now,
    )
    if gateway.reason is not None:
        report = Report(proof.instance, proof.deployment_type)
        sightings.gateway_refused(gateway, report, address=proof.address, now=now)
        raise GatewayRefused
    sightings.gateway_seen(gateway)
    return True
