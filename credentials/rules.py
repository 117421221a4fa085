"""Does what was shown prove this row, now? Values in, values out; no Django."""

from __future__ import annotations

import calendar
import ipaddress
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeGuard


class Method(StrEnum):
    """The ways in which a client can prove itself, by their registered names (RFC 7591, RFC 8705)."""

    SECRET_BASIC = "client_secret_basic"
    SECRET_POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS = "tls_client_auth"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"


SECRET_METHODS = frozenset((Method.SECRET_BASIC, Method.SECRET_POST))
TLS_METHODS = frozenset((Method.TLS, Method.SELF_SIGNED_TLS))


class ClientFacts(NamedTuple):
    """A credential with its two secret slots. One row, with nothing in it where the client id is unknown.

    `keys` is the JSON text of its keys in service, where they were asked for.
    """

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
    auth_methods: str | None
    certificate_name: str | None
    first_secret_id: int | None
    first_digest: str | None
    first_retire_at: datetime | None
    second_secret_id: int | None
    second_digest: str | None
    second_retire_at: datetime | None
    keys: str | None = None

    @property
    def is_bound(self) -> bool:
        """True for the key of a proxy or group."""
        return self.proxy_id is not None or self.group_id is not None


class KeyFacts(NamedTuple):
    """A key or certificate of a credential, in service."""

    key_id: int
    kind: str
    kid: str
    algorithms: str
    public_key: str
    certificate: str
    thumbprint: str
    not_before: datetime | None
    not_after: datetime | None


def secret_shown(
    facts: ClientFacts, presented: Sequence[str], now: datetime, matches: Callable[[Sequence[str], str | None], bool]
) -> int | None:
    """Which secret was presented, as its digests, by its id, or None. Both are compared whatever the first says, and
    for no client.
    """
    first = matches(presented, facts.first_digest) & _in_service(facts.first_retire_at, now)
    second = matches(presented, facts.second_digest) & _in_service(facts.second_retire_at, now)
    if first:
        return facts.first_secret_id
    return facts.second_secret_id if second else None


def _in_service(retire_at: datetime | None, now: datetime) -> bool:
    return retire_at is None or now < retire_at


def method_allowed(method: Method, *, allowed: Collection[str], any_secret: bool = False) -> bool:
    """True for a listed method. With `any_secret` a secret is a secret, however it is sent."""
    if any_secret and method in SECRET_METHODS:
        return not SECRET_METHODS.isdisjoint(allowed)
    return method in allowed


def in_force(key: KeyFacts, now: datetime) -> bool:
    """True inside the validity of a certificate; a bare key has no end."""
    return (key.not_before is None or key.not_before <= now) and (key.not_after is None or now < key.not_after)


def key_state(*, removed_at: datetime | None, not_after: datetime | None, now: datetime) -> str:
    """What a person is told of a key: live, expired or removed."""
    if removed_at is not None:
        return "removed"
    return "expired" if not_after is not None and not_after <= now else "live"


def signing_keys(keys: Collection[KeyFacts], *, kid: str, algorithm: str, now: datetime) -> list[KeyFacts]:
    """Which keys may have signed: the one named, or all where none is; only for an algorithm of their list (R2)."""
    return [key for key in keys if algorithm in key.algorithms.split() and kid in ("", key.kid) and in_force(key, now)]


# --- Client assertions (RFC 7523)

ASSERTION_LIFETIME = timedelta(minutes=10)
CLOCK_TOLERANCE = timedelta(seconds=30)
ASSERTION_TYPES = frozenset(("", "jwt", "client-authentication+jwt"))
_MAXIMUM_JTI = 255


class UsedAssertion(NamedTuple):
    """An assertion that must not prove anybody again."""

    credential_id: int
    jti_hash: str
    expires_at: datetime


class AssertionFault(StrEnum):
    """What is wrong with an assertion under a good signature. The value is the sentence for its sender."""

    NOT_THE_CLIENT = "iss and sub of the assertion must both be the client id."
    WRONG_AUDIENCE = "aud of the assertion must be the issuer or the token endpoint's URL, as one string."
    NO_EXPIRY = "The assertion needs exp, as a number."
    EXPIRED = "The assertion has expired."
    TOO_LONG = "exp of the assertion is more than ten minutes ahead."
    FROM_THE_FUTURE = "iat or nbf of the assertion is in the future. Check the clock of the client."
    NO_JTI = "The assertion needs a jti, a text of at most 255 characters."
    USED_BEFORE = "The assertion was used before. Make a new one, with a new jti, for each request."


def assertion_fault(
    claims: Mapping[str, object], *, client_id: str, audiences: Collection[str], now: datetime
) -> AssertionFault | None:
    """Why these verified claims do not prove the client now, or None (R17)."""
    moment = now.timestamp()
    jti, expires_at = claims.get("jti"), claims.get("exp")
    beginnings = [claims[name] for name in ("iat", "nbf") if name in claims]
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        return AssertionFault.NOT_THE_CLIENT
    if not isinstance(claims.get("aud"), str) or claims["aud"] not in audiences:
        return AssertionFault.WRONG_AUDIENCE
    if not _is_date(expires_at):
        return AssertionFault.NO_EXPIRY
    if expires_at <= moment:
        return AssertionFault.EXPIRED
    if expires_at > moment + ASSERTION_LIFETIME.total_seconds():
        return AssertionFault.TOO_LONG
    if not all(_is_date(each) and each <= moment + CLOCK_TOLERANCE.total_seconds() for each in beginnings):
        return AssertionFault.FROM_THE_FUTURE
    return None if isinstance(jti, str) and 0 < len(jti) <= _MAXIMUM_JTI else AssertionFault.NO_JTI


def _is_date(value: object) -> TypeGuard[int | float]:
    """A NumericDate (RFC 7519): a number, and no boolean, which Python takes for one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def address_allowed(allowed: str, address: str) -> bool:
    """True where the list is empty or names the address, singly or by network. An unreadable address is refused."""
    if not allowed or allowed.isspace():
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


# --- Personal access tokens -----------------------------------------------------------------------------------------


class PersonalTokenState(StrEnum):
    """A personal access token at a glance, computed, never stored."""

    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ENDED = "ended"


def personal_token_state(
    *,
    revoked_at: datetime | None,
    expires_at: datetime,
    generation: int,
    owner_generation: int,
    owner_is_active: bool,
    now: datetime,
) -> PersonalTokenState:
    """Revoked beats ended, ended beats expired: a new password or a deactivation ends it for good (D31, D16)."""
    if revoked_at is not None:
        return PersonalTokenState.REVOKED
    if generation != owner_generation or not owner_is_active:
        return PersonalTokenState.ENDED
    return PersonalTokenState.LIVE if now < expires_at else PersonalTokenState.EXPIRED
