"""Does what was shown prove this row, now? Values in, values out; no Django."""

from __future__ import annotations

import calendar
import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class ClientFacts(NamedTuple):
    """A credential with its two secret slots. One row, with nothing in it where the client id is unknown."""

    credential_id: int | None
    client_id: str | None
    name: str | None
    proxy_id: int | None
    group_id: int | None
    key_generation: int | None
    expires_on: date | None
    deactivated_at: datetime | None
    archived_at: datetime | None
    allowed_addresses: str | None
    first_digest: str | None
    first_retire_at: datetime | None
    second_digest: str | None
    second_retire_at: datetime | None

    @property
    def is_bound(self) -> bool:
        """True for the key of a proxy or group."""
        return self.proxy_id is not None or self.group_id is not None


def secret_slot(
    facts: ClientFacts, presented: str, now: datetime, matches: Callable[[str, str | None], bool]
) -> int | None:
    """Which slot's secret was presented, or None. Both are compared whatever the first says, and also for no client."""
    first = matches(presented, facts.first_digest) & _in_service(facts.first_retire_at, now)
    second = matches(presented, facts.second_digest) & _in_service(facts.second_retire_at, now)
    if first:
        return 1
    return 2 if second else None


def _in_service(retire_at: datetime | None, now: datetime) -> bool:
    return retire_at is None or now < retire_at


def address_allowed(allowed: str, address: str) -> bool:
    """True where the list is empty or names the address, singly or by network. An unreadable address is refused."""
    if not allowed.split():
        return True
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        return False
    for entry in allowed.split():
        try:
            if caller in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False


# --- Connection tokens ----------------------------------------------------------------------------------------------

RECOMMENDED_MONTHS = 6
OVERDUE_MONTHS = 12
RECENT_USE = timedelta(hours=1)
# An instance is expected to report once a minute; four lost reports are a problem.
SILENCE = timedelta(minutes=5)


class ConnectionFacts(NamedTuple):
    """A connection token with its configuration."""

    token_id: int
    revoked_at: datetime | None
    configuration_id: int
    environment_id: int
    deployment_type: str
    closed_at: datetime | None
    licence_ends_at: datetime | None


class Refusal(StrEnum):
    """Why a connection token does not prove who shows it."""

    UNKNOWN_TOKEN = "unknown_token"
    CONFIGURATION_CLOSED = "configuration_closed"
    LICENCE_ENDED = "licence_ended"
    TOKEN_REVOKED = "token_revoked"
    OTHER_ENVIRONMENT = "other_environment"
    NO_DEPLOYMENT_TYPE = "no_deployment_type"
    OTHER_DEPLOYMENT_TYPE = "other_deployment_type"


REFUSAL_SENTENCES: dict[Refusal, str] = {
    Refusal.UNKNOWN_TOKEN: "the token is unknown",
    Refusal.CONFIGURATION_CLOSED: "the configuration was deleted",
    Refusal.LICENCE_ENDED: "the licence has ended",
    Refusal.TOKEN_REVOKED: "the token is revoked",
    Refusal.OTHER_ENVIRONMENT: "the token belongs to another environment",
    Refusal.NO_DEPLOYMENT_TYPE: "the instance stated no deployment type",
    Refusal.OTHER_DEPLOYMENT_TYPE: "the token was made for another deployment type",
}


def why_connection_refused(
    facts: ConnectionFacts | None, *, environment_id: int | None, deployment_type: str, now: datetime
) -> Refusal | None:
    """Why this token does not prove the instance that shows it, or None where it does (S4.22, D32, D33, D35).

    `environment_id` None stands for a door that serves every environment, as the heartbeat does.
    """
    if facts is None:
        return Refusal.UNKNOWN_TOKEN
    if facts.closed_at is not None:
        return Refusal.CONFIGURATION_CLOSED
    if licence_ended(facts.licence_ends_at, now):
        return Refusal.LICENCE_ENDED
    if facts.revoked_at is not None:
        return Refusal.TOKEN_REVOKED
    if environment_id is not None and facts.environment_id != environment_id:
        return Refusal.OTHER_ENVIRONMENT
    if not deployment_type:
        return Refusal.NO_DEPLOYMENT_TYPE
    return None if deployment_type == facts.deployment_type else Refusal.OTHER_DEPLOYMENT_TYPE


def licence_ended(licence_ends_at: datetime | None, now: datetime) -> bool:
    """True from the very moment of the end on (D16); no end at all never ends."""
    return licence_ends_at is not None and licence_ends_at <= now


class Rotation(StrEnum):
    """What the age of a token asks for (D34). It never ends a token."""

    FRESH = "fresh"
    RECOMMENDED = "recommended"
    OVERDUE = "overdue"


def months_before(moment: datetime, months: int) -> datetime:
    """The same day and time so many calendar months ago; the last day of a month that is shorter."""
    index = moment.year * 12 + moment.month - 1 - months
    year, month = divmod(index, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def rotation(created_at: datetime | None, now: datetime) -> Rotation:
    """Half a year: rotation recommended. A year: overdue (D34, S4.5)."""
    if created_at is None or created_at > months_before(now, RECOMMENDED_MONTHS):
        return Rotation.FRESH
    return Rotation.OVERDUE if created_at <= months_before(now, OVERDUE_MONTHS) else Rotation.RECOMMENDED


def used_recently(last_used_at: datetime | None, now: datetime) -> bool:
    """True where the token was used within the last hour: revoking it asks again (D36)."""
    return last_used_at is not None and now - last_used_at < RECENT_USE


class InstanceStatus(StrEnum):
    """How an instance is (F4)."""

    GOOD = "Good"
    WARNING = "Warning"
    PROBLEM = "Problem"


def instance_status(*, last_heartbeat_at: datetime, protecting: bool, now: datetime) -> InstanceStatus:
    """Good: reports and protects. Warning: reports, but protection is off. Problem: no longer reports (F4)."""
    if now - last_heartbeat_at > SILENCE:
        return InstanceStatus.PROBLEM
    return InstanceStatus.GOOD if protecting else InstanceStatus.WARNING


def shown(text: str, length: int) -> str:
    """What a stranger wrote, fit to be stored and shown: printable characters only, not longer than `length`."""
    return "".join(character for character in text[:length] if character.isprintable())


def readable_address(address: str) -> str | None:
    """The address as the database can store it, or None for what is not one."""
    try:
        return str(ipaddress.ip_address(address.split("%", 1)[0]))
    except ValueError:
        return None


def target_ports(ports: str) -> str | None:
    """Ports as `443, 8443`, or None where one of them is not a port."""
    numbers = [port.strip() for port in ports.split(",")] if ports.strip() else []
    if not all(re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536 for port in numbers):
        return None
    return ", ".join(dict.fromkeys(str(int(port)) for port in numbers))


def is_host(host: str) -> bool:
    """True for a host name or an address, without scheme, port or path."""
    if readable_address(host.strip("[]")) is not None:
        return True
    label = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    return len(host) <= 253 and re.fullmatch(rf"{label}(?:\.{label})*\.?", host, re.ASCII) is not None
