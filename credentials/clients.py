"""Credentials: open, rotate, change, deploy, grant, deactivate. Sole writer of Credential and what hangs on it."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials import methods as allowed
from credentials import secrets, slow_hashes
from credentials.errors import (
    CredentialArchived,
    CredentialIsBound,
    CredentialNotDeployed,
    HolderHasKey,
    InvalidCredential,
    LastSecret,
    NoFreeSecretSlot,
)
from credentials.models import Credential, CredentialDeployment, CredentialSecret, Grant, User
from credentials.rules import SECRET_METHODS
from proxies import history
from proxies.catalogue import check_scopes
from proxies.errors import Archived
from proxies.models import ApiProxy, Environment, ProxyGroup
from proxies.ownership import OWNER_FIELDS
from proxies.sentences import Sentence
from proxies.values import why_unfit

_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{3,100}", re.ASCII)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_FIELDS = frozenset(("name", "description", "expires_on", "allowed_addresses", *OWNER_FIELDS))


@dataclass(frozen=True, slots=True)
class Opened:
    """A credential and its secret: the only moment the secret exists in clear."""

    credential: Credential
    client_id: str
    secret: str

    def __repr__(self) -> str:
        return f"Opened({self.client_id})"


def open_credential(
    *,
    name: str,
    by: str,
    proxy: ApiProxy | None = None,
    group: ProxyGroup | None = None,
    client_id: str = "",
    secret: str = "",
    slow_hash: str = "",
    at: datetime | None = None,
    **fields: Any,
) -> Opened:
    """A new credential with its first secret (made here, unless given): the key of a holder, or one of its own.

    `slow_hash` is that of a secret of another system, which nobody here knows: the one returned is then empty.
    """
    now = at or timezone.now()
    chosen = client_id or f"client-{secrets.random_name(8)}"
    check_client_id(chosen)
    _check_fields({"name": name, **fields})
    if proxy is not None and group is not None:
        raise InvalidCredential(gettext_noop("A key belongs to one proxy or to one group, not to both."))
    try:
        with transaction.atomic():
            for holder in (proxy, group):
                _refuse_archived(holder)
            made = Credential.objects.create(name=name, client_id=chosen, proxy=proxy, group=group, **fields)
            raw = _keep_slow_hash(made, slow_hash, now) if slow_hash else _new_secret(made, 1, now, secret)
            told = {"client_id": chosen, "key_of": str(proxy or group or ""), **fields}
            history.record("open", made, by=by, at=now, after=told)
    except IntegrityError as taken:
        if Credential.objects.filter(client_id=chosen).exists():
            raise InvalidCredential(gettext_noop("This client id is in use.")) from taken
        raise HolderHasKey from taken
    return Opened(made, chosen, raw)


def _new_secret(credential: Credential, slot: int, now: datetime, given: str = "") -> str:
    raw = secrets.check_strength(given) if given else secrets.make(secrets.CLIENT_SECRET)
    CredentialSecret.objects.create(credential=credential, slot=slot, digest=secrets.digest(raw), created_at=now)
    return raw


def _keep_slow_hash(credential: Credential, slow_hash: str, now: datetime) -> str:
    if slow_hashes.parse(slow_hash) is None:
        raise InvalidCredential(gettext_noop("This hash of a client secret cannot be used here."))
    CredentialSecret.objects.create(credential=credential, slot=1, digest=slow_hash, created_at=now)
    return ""


def _check_fields(fields: Mapping[str, Any]) -> None:
    if because := why_unfit(Credential, fields, _FIELDS):
        raise InvalidCredential(because)
    for entry in str(fields.get("allowed_addresses", "")).split():
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError as broken:
            told = Sentence(gettext_noop("{given} is no address or network."), given=entry[:60])
            raise InvalidCredential(told) from broken


def check_client_id(client_id: str) -> None:
    """Raises InvalidCredential for one that a Basic header cannot carry the same way from every client."""
    # Unreserved characters only: clients differ in how they encode the others in a Basic header.
    if _CLIENT_ID.fullmatch(client_id) is None:
        raise InvalidCredential(gettext_noop("A client id has 3 to 100 letters, digits and . _ ~ - only."))


def _refuse_archived(holder: ApiProxy | ProxyGroup | None) -> None:
    if holder is not None and type(holder)._default_manager.exclude(archived_at=None).filter(pk=holder.pk).exists():
        raise Archived


def locked(credential: Credential) -> Credential:
    """The credential as it is now, held until the transaction ends: the order of every write here."""
    kept = Credential.objects.select_for_update().get(pk=credential.pk)
    if kept.archived_at is not None:
        raise CredentialArchived
    return kept


def change_credential(credential: Credential, *, by: str, at: datetime | None = None, **fields: Any) -> None:
    """Change name, description, last day, addresses or owner."""
    now = at or timezone.now()
    _check_fields(fields)
    with transaction.atomic():
        kept = locked(credential)
        before = {name: getattr(kept, name) for name, value in fields.items() if getattr(kept, name) != value}
        if before:
            after = {name: fields[name] for name in before}
            Credential.objects.filter(pk=kept.pk).update(**after)
            history.record("change", kept, by=by, at=now, before=before, after=after)
    credential.refresh_from_db()


# --- D18, secrets: one verb each


def rotate_secret(
    credential: Credential,
    *,
    by: str,
    retire_old_at: datetime | None = None,
    secret: str = "",
    at: datetime | None = None,
) -> str:
    """A second secret (made here, unless given) beside the first; no token ends (D18).

    The first retires at the given moment, or by hand.
    """
    now = at or timezone.now()
    with transaction.atomic():
        kept = locked(credential)
        kept.secrets.filter(slot__isnull=False, retire_at__lte=now).update(slot=None, retired_at=now)
        in_service = list(kept.secrets.filter(slot__isnull=False))
        free = {1, 2} - {secret.slot for secret in in_service}
        if not free:
            raise NoFreeSecretSlot
        if retire_old_at is not None:
            kept.secrets.filter(slot__isnull=False).update(retire_at=retire_old_at)
        raw = _new_secret(kept, min(free), now, secret)
        history.record("rotate", kept, by=by, at=now, after={"retires_old_at": retire_old_at})
    return raw


def keep_as_ours(secret_id: int, *, imported: str, secret: str) -> bool:
    """Keep an imported secret, which was just proved, as our keyed hash; False where somebody else did meanwhile."""
    kept = CredentialSecret.objects.filter(pk=secret_id, digest=imported)
    return kept.update(digest=secrets.digest(secret)) == 1


def retire_secret(secret: CredentialSecret, *, by: str, at: datetime | None = None) -> None:
    """Take a secret out of service now, which changes nothing for one that is out already.

    The only one stays as long as the client may prove itself by a secret.
    """
    now = at or timezone.now()
    with transaction.atomic():
        kept = locked(secret.credential)
        in_service = kept.secrets.filter(slot__isnull=False)
        if not in_service.filter(pk=secret.pk).exists():
            return
        if _lives_by_secrets(kept) and not in_service.exclude(pk=secret.pk).exclude(retire_at__lte=now).exists():
            raise LastSecret
        in_service.filter(pk=secret.pk).update(slot=None, retired_at=now)
        history.record("retire", kept, by=by, at=now, before={"slot": secret.slot}, after={"slot": None})


def _lives_by_secrets(credential: Credential) -> bool:
    return not SECRET_METHODS.isdisjoint(credential.auth_methods.split())


def set_methods(
    credential: Credential,
    methods: Iterable[str],
    *,
    by: str,
    certificate_name: str | None = None,
    at: datetime | None = None,
) -> None:
    """Which ways of authentication the credential may use, and what its certificates must name. No token ends."""
    now = at or timezone.now()
    wanted = list(dict.fromkeys(methods))
    name = credential.certificate_name if certificate_name is None else certificate_name.strip()
    allowed.check(wanted, name)
    with transaction.atomic():
        kept = locked(credential)
        after = {"auth_methods": " ".join(wanted), "certificate_name": name}
        before = {column: getattr(kept, column) for column in after}
        if before != after:
            Credential.objects.filter(pk=kept.pk).update(**after)
            history.record("set methods", kept, by=by, at=now, before=before, after=after)
    credential.refresh_from_db()


def raise_generation(kept: Credential) -> None:
    """End every token of a credential that is locked. The one place besides `change_key` that does."""
    Credential.objects.filter(pk=kept.pk).update(key_generation=F("key_generation") + 1)


def raise_all_generations() -> int:
    """End every token of every credential, proxy's key and group's key; how many. Secrets stay as they are."""
    CredentialDeployment.objects.update(generation=F("generation") + 1)
    return Credential.objects.update(key_generation=F("key_generation") + 1)


def change_key(credential: Credential, *, by: str, client_id: str = "", at: datetime | None = None) -> str:
    """Replace every secret by a new one and raise the key generation: all tokens of the holder end (S0.30, S0.33)."""
    now = at or timezone.now()
    if client_id:
        check_client_id(client_id)
    try:
        with transaction.atomic():
            kept = locked(credential)
            kept.secrets.filter(slot__isnull=False).update(slot=None, retired_at=now)
            changed = {"client_id": client_id} if client_id else {}
            Credential.objects.filter(pk=kept.pk).update(key_generation=F("key_generation") + 1, **changed)
            raw = _new_secret(kept, 1, now)
            before = {"client_id": kept.client_id} if client_id else None
            history.record("change key", kept, by=by, at=now, before=before, after={**changed, "tokens_ended": True})
    except IntegrityError as taken:
        raise InvalidCredential(gettext_noop("This client id is in use.")) from taken
    credential.refresh_from_db()
    return raw


# --- D11, deployment: one verb each


def deploy(
    credential: Credential, environment: Environment, *, by: str, note: str = "", at: datetime | None = None
) -> CredentialDeployment:
    """Let a credential of its own get and use tokens in an environment."""
    now = at or timezone.now()
    with transaction.atomic():
        kept = locked(credential)
        if kept.is_bound:
            raise CredentialIsBound
        found, created = CredentialDeployment.objects.get_or_create(
            credential=kept, environment=environment, defaults={"deployed_at": now}
        )
        told = history.switched("deployed", True, not created and found.undeployed_at is None)
        if not created:
            CredentialDeployment.objects.filter(pk=found.pk).exclude(undeployed_at=None).update(
                undeployed_at=None, deployed_at=now
            )
            found.refresh_from_db()
        history.record("deploy", kept, by=by, at=now, environment=environment.slug, note=note, **told)
    return found


def live_deployment(credential: Credential, environment: Environment) -> CredentialDeployment:
    """Where a credential is deployed now. Raises CredentialNotDeployed."""
    found = CredentialDeployment.objects.filter(
        credential=credential, environment=environment, undeployed_at=None
    ).first()
    if found is None:
        raise CredentialNotDeployed
    return found


def undeploy(
    credential: Credential, environment: Environment, *, by: str, note: str = "", at: datetime | None = None
) -> None:
    """Undeploy, raising the generation: its tokens of this environment end at once and for good (S0.32)."""
    now = at or timezone.now()
    with transaction.atomic():
        deployed = CredentialDeployment.objects.filter(
            credential=credential, environment=environment, undeployed_at=None
        )
        if deployed.update(undeployed_at=now, generation=F("generation") + 1) == 0:
            raise CredentialNotDeployed
        told = history.switched("deployed", False)
        history.record("undeploy", credential, by=by, at=now, environment=environment.slug, note=note, **told)


# --- D14, activity: one verb each


def deactivate(credential: Credential, *, by: str, note: str = "", at: datetime | None = None) -> None:
    """Refuse the credential and its tokens while it is so."""
    now = at or timezone.now()
    with transaction.atomic():
        locked(credential)
        if Credential.objects.filter(pk=credential.pk, deactivated_at=None).update(deactivated_at=now):
            history.record("deactivate", credential, by=by, at=now, note=note, **history.switched("active", False))
    credential.refresh_from_db()


def reactivate(credential: Credential, *, by: str, at: datetime | None = None) -> None:
    """Let the credential and its tokens work again."""
    now = at or timezone.now()
    with transaction.atomic():
        locked(credential)
        if Credential.objects.filter(pk=credential.pk).exclude(deactivated_at=None).update(deactivated_at=None):
            history.record("reactivate", credential, by=by, at=now, **history.switched("active", True))
    credential.refresh_from_db()


def archive(credential: Credential, *, by: str, note: str = "", at: datetime | None = None) -> None:
    """Put away for the record; it can never be used again and is not deleted (D43).

    The key of a proxy or group stays with it: archived, it would keep its holder from ever having another.
    """
    now = at or timezone.now()
    with transaction.atomic():
        kept = locked(credential)
        if kept.is_bound:
            raise CredentialIsBound(
                gettext_noop("This is the key of a proxy or group. Deactivate it, or archive its holder.")
            )
        kept.secrets.filter(slot__isnull=False).update(slot=None, retired_at=now)
        kept.keys.filter(removed_at=None).update(removed_at=now)
        Credential.objects.filter(pk=kept.pk).update(archived_at=now)
        history.record("archive", kept, by=by, at=now, note=note, **history.switched("archived", True))
    credential.refresh_from_db()


# --- D14, grants: one verb each


def grant(
    *,
    to: Credential | User,
    target: ApiProxy | ProxyGroup,
    by: str,
    scopes: str = "",
    expires_on: date | None = None,
    disallowed_methods: str = "",
    at: datetime | None = None,
) -> Grant:
    """Let a credential or user reach a proxy or group; granting again changes the terms and revives a withdrawn one."""
    now = at or timezone.now()
    if isinstance(to, Credential) and to.is_bound:
        raise CredentialIsBound
    methods = disallowed_methods.upper().split()
    if set(methods) - _METHODS:
        raise InvalidCredential(gettext_noop("Methods are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS."))
    pair: dict[str, Any] = {
        "credential" if isinstance(to, Credential) else "user": to,
        "proxy" if isinstance(target, ApiProxy) else "group": target,
    }
    terms = {
        "scopes": check_scopes(scopes),
        "expires_on": expires_on,
        "disallowed_methods": " ".join(methods),
        "withdrawn_at": None,
    }
    with transaction.atomic():
        if isinstance(to, Credential):
            locked(to)
        _refuse_archived(target)
        before = Grant.objects.filter(**pair).values(*terms).first()
        made, _ = Grant.objects.update_or_create(**pair, defaults=terms)
        history.record("grant", to, by=by, at=now, before=before, after={**terms, "target": target.slug})
    return made


def withdraw(found: Grant, *, by: str, note: str = "", at: datetime | None = None) -> None:
    """End access; tokens that stand on the grant are refused from the next request on."""
    now = at or timezone.now()
    holder = found.credential or found.user
    target = found.proxy or found.group
    assert holder is not None
    assert target is not None
    with transaction.atomic():
        if Grant.objects.filter(pk=found.pk, withdrawn_at=None).update(withdrawn_at=now):
            history.record("withdraw", holder, by=by, at=now, note=note, before={"target": target.slug})
