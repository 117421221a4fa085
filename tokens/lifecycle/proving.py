"""Who proves itself, and how: clients, by each of their ways, and gateways with a connection token (S4.1)."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from credentials import certificates, gateways, identify, methods
from credentials.errors import ClientAuthenticationFailed
from credentials.heartbeats import Report
from credentials.identify import Proven, Shown
from credentials.rules import SECRET_METHODS, ClientFacts, Method
from tokens import sightings
from tokens.errors import GatewayRefused
from tokens.lifecycle import minting
from tokens.lifecycle.audit import Request
from tokens.statements import assertion


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


# --- Clients


@dataclass(slots=True)  # with every request: frozen ones take longer to make
class Client:
    """How a client proves itself, as it was presented: by a secret, an assertion, or a certificate.

    A certificate is what an edge says it has seen. It is believed of a trusted address, or with the edge's own proof.
    """

    client_id: str
    secret: str = ""
    method: Method = Method.SECRET_BASIC
    assertion: str = ""
    certificate: str = ""
    from_trusted_address: bool = False
    edge: Proof | None = None

    def __repr__(self) -> str:
        return f"Client({self.client_id!r})"

    @property
    def needs_keys(self) -> bool:
        """True where its public keys have a say."""
        return self.method not in SECRET_METHODS


class Here(NamedTuple):
    """The environment in which a client proves itself, and whether it is at the token endpoint."""

    environment_id: int
    slug: str
    is_default: bool
    at_token_endpoint: bool = True


def prove_client(client: Client, facts: ClientFacts, *, here: Here, request: Request, now: datetime) -> Proven:
    """How this client has proved itself (RFC 6749 section 2.3, RFC 7523, RFC 8705). Raises CredentialError.

    Its assertion is used up with the transaction around; what was used is noted, and written later, in bulk.
    """
    place = identify.Place(
        request.address,
        _audiences(here) if client.assertion else (),
        methods.advertised(at_token_endpoint=here.at_token_endpoint),
        any_secret=not here.at_token_endpoint,
    )
    certificate = _certificate(client, here, now) if client.certificate else None
    shown = Shown(client.method, client.secret, client.assertion, certificate)
    proven = identify.client(facts, shown, place=place, now=now, spend=assertion.spend)
    sightings.client_seen(proven, now)
    return proven


def _audiences(here: Here) -> tuple[str, str]:
    """The issuer or this URL, whichever endpoint is asked, and nothing else (B25)."""
    issuer = minting.issuer(here.slug, here.is_default)
    return issuer, f"{issuer}/oauth2/token"


def _certificate(client: Client, here: Here, now: datetime) -> certificates.Certificate | None:
    try:
        believed = client.from_trusted_address or prove(
            client.edge, environment_id=here.environment_id, required=False, now=now
        )
    except GatewayRefused as refused:
        raise ClientAuthenticationFailed from refused
    return certificates.forwarded(client.certificate) if believed else None
