"""Public keys and certificates of clients: add, remove. Sole writer of CredentialKey, last uses apart."""

from datetime import datetime

from cryptography import x509
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials import certificates, public_keys
from credentials.clients import locked, raise_generation
from credentials.errors import TooManyKeys, UnusableKey
from credentials.models import Credential, CredentialKey
from credentials.public_keys import MAXIMUM_KEYS, PublicKey
from proxies import history


def add_keys(
    credential: Credential,
    upload: str,
    *,
    by: str,
    kid: str = "",
    algorithms: tuple[str, ...] = (),
    at: datetime | None = None,
) -> list[CredentialKey]:
    """Public keys that prove the client from now on: PEM, certificate or JWKS. All of the upload or nothing.

    A certificate proves it by assertions signed with its key, and as itself (self_signed_tls_client_auth).
    """
    found = public_keys.read(upload, kid=kid, algorithms=algorithms)
    if len(found) > 1 and any(_issues_others(key) for key in found):
        raise UnusableKey(
            gettext_noop("This is a chain. Upload the client's own certificate alone; its authority apart.")
        )
    return _keep(credential, found, by=by, now=at or timezone.now())


def add_authority(
    credential: Credential, upload: str, *, by: str, kid: str = "", at: datetime | None = None
) -> CredentialKey:
    """The certificate of the authority that itself issues the client's certificates (tls_client_auth)."""
    found = public_keys.read(upload, kid=kid)
    if len(found) > 1 or not _issues_others(found[0]):
        raise UnusableKey(
            gettext_noop("Upload the one certificate of the authority that issues the client's certificates itself.")
        )
    authority = found[0]._replace(algorithms=())
    kept = _keep(credential, [authority], kind=CredentialKey.Kind.AUTHORITY, by=by, now=at or timezone.now())
    return kept[0]


def _issues_others(key: PublicKey) -> bool:
    if not key.certificate:
        return False
    try:
        return certificates.is_authority(x509.load_pem_x509_certificate(key.certificate.encode()))
    except ValueError as unreadable:
        raise UnusableKey from unreadable


def _keep(
    credential: Credential, keys: list[PublicKey], *, by: str, now: datetime, kind: str = ""
) -> list[CredentialKey]:
    try:
        with transaction.atomic():
            kept = locked(credential)
            if kept.keys.filter(removed_at=None).count() + len(keys) > MAXIMUM_KEYS:
                raise TooManyKeys
            made = [_create(kept, key, kind, now) for key in keys]
            history.record("add key", kept, by=by, at=now, after={"keys": ", ".join(f"{key}" for key in made)})
    except IntegrityError as taken:
        raise UnusableKey(gettext_noop("A key in service has this key id already.")) from taken
    return made


def _create(credential: Credential, key: PublicKey, kind: str, now: datetime) -> CredentialKey:
    itself = CredentialKey.Kind.CERTIFICATE if key.certificate else CredentialKey.Kind.KEY
    return CredentialKey.objects.create(
        credential=credential,
        kind=kind or itself,
        created_at=now,
        **{**key._asdict(), "algorithms": " ".join(key.algorithms)},
    )


def remove_key(
    key: CredentialKey, *, by: str, change: bool = False, note: str = "", at: datetime | None = None
) -> None:
    """Take a key out of service at once. The client's tokens live on, unless a change is asked for (D18).

    Removing one that is removed already changes nothing, not even where a change is asked for.
    """
    now = at or timezone.now()
    with transaction.atomic():
        kept = locked(key.credential)
        if not kept.keys.filter(pk=key.pk, removed_at=None).update(removed_at=now):
            return
        if change:
            raise_generation(kept)
        after = {"kid": key.kid, "tokens_ended": change}
        history.record("remove key", kept, by=by, at=now, note=note, after=after)
    key.refresh_from_db()
