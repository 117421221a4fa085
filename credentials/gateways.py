"""Who is this gateway? Asked by every door that takes a connection token: heartbeat, verify, introspection."""

from datetime import datetime
from typing import NamedTuple

from credentials import rules, secrets
from credentials.models import ConnectionToken
from credentials.rules import ConnectionFacts, Refusal

INSTANCE_LENGTH = 150


class Use(NamedTuple):
    """One use of a token, to be recorded off the request's critical path (D36)."""

    token_id: int
    at: datetime
    instance: str
    address: str | None


class Gateway(NamedTuple):
    """The answer: `reason` None means that the token proves the caller, and `use` is what to record.

    A refusal of a known token names its configuration, where the refusal is to be recorded (D33).
    """

    reason: Refusal | None
    configuration_id: int | None = None
    use: Use | None = None


def connection(
    raw: str, *, environment_id: int | None, instance: str, deployment_type: str, address: str, now: datetime
) -> Gateway:
    """Whom this token proves: one SELECT, nothing written (S4.1, S4.22). A malformed one costs no query (D20).

    `environment_id` None stands for a door that serves every environment.
    """
    facts = _facts(raw)
    reason = rules.why_connection_refused(
        facts, environment_id=environment_id, deployment_type=deployment_type, now=now
    )
    if facts is None or reason is not None:
        return Gateway(reason, None if facts is None else facts.configuration_id)
    use = Use(facts.token_id, now, rules.shown(instance, INSTANCE_LENGTH), rules.readable_address(address))
    return Gateway(None, facts.configuration_id, use)


def _facts(raw: str) -> ConnectionFacts | None:
    if secrets.kind_of(raw) != secrets.CONNECTION_TOKEN:
        return None
    row = (
        ConnectionToken.objects.filter(digest__in=secrets.digests(raw))
        .values_list(
            "pk",
            "revoked_at",
            "configuration_id",
            "configuration__environment_id",
            "configuration__deployment_type",
            "configuration__closed_at",
            "configuration__licence_ends_at",
        )
        .order_by()
        .first()
    )
    return None if row is None else ConnectionFacts(*row)
