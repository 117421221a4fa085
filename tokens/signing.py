"""Signing keys: stage, publish, rotate, change, retire. Sole writer of SigningKey (D13, S0.31)."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from credentials import secrets
from proxies import history
from proxies.models import Environment
from tokens import jose
from tokens.errors import NoSigningKey, SigningKeyState
from tokens.models import IssuedToken, RefreshKey, SigningKey

_UNFINISHED = Q(retired_at=None, ended_at=None)
_SIGNING = Q(signing_since__isnull=False, verify_only_since=None) & _UNFINISHED


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """What signs: the record's id, the header's kid and algorithm, and the private key in PEM."""

    key_id: int
    kid: str
    algorithm: str
    pem: bytes

    def __repr__(self) -> str:
        return f"PrivateKey({self.kid})"


def seal_context(kid: str) -> str:
    """What binds a sealed private key to its row."""
    return f"tokens_signingkey:{kid}:sealed_private_key"


def _generate(algorithm: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if algorithm == SigningKey.Algorithm.ES256:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _load(pem: bytes) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as unreadable:
        raise SigningKeyState("This is not an unencrypted private key in PEM.") from unreadable
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise SigningKeyState("Use an RSA key of 2048 bits or more, or an EC key on P-256.")


def stage(
    environment: Environment,
    *,
    by: str,
    algorithm: str = SigningKey.Algorithm.RS256,
    pem: bytes | None = None,
    at: datetime | None = None,
) -> SigningKey:
    """Make a key, or take one in PEM, that nobody sees yet."""
    private = _generate(algorithm) if pem is None else _load(pem)
    if pem is not None:
        is_rsa = isinstance(private, rsa.RSAPrivateKey)
        algorithm = SigningKey.Algorithm.RS256 if is_rsa else SigningKey.Algorithm.ES256
    now = at or timezone.now()
    kid = secrets.random_name(8)
    private_pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with transaction.atomic():
        key = SigningKey.objects.create(
            environment=environment,
            kid=kid,
            algorithm=algorithm,
            sealed_private_key=secrets.seal(private_pem, context=seal_context(kid)),
            public_key=public_pem.decode(),
            created_at=now,
        )
        history.record("stage", key, by=by, at=now, environment=environment.slug)
    return key


def publish(key: SigningKey, *, by: str, at: datetime | None = None) -> None:
    """Show a staged key in the JWKS, well before it signs."""
    now = at or timezone.now()
    with transaction.atomic():
        if SigningKey.objects.filter(_UNFINISHED, pk=key.pk, published_at=None).update(published_at=now) == 0:
            raise SigningKeyState("Only a staged key can be published.")
        history.record("publish", key, by=by, at=now, environment=key.environment.slug)


def ensure(environment: Environment, *, by: str, at: datetime | None = None) -> None:
    """Give an environment its first signing key. Does nothing where one signs."""
    if not SigningKey.objects.filter(_SIGNING, environment=environment).exists():
        rotate(environment, by=by, at=at, only_first=True)


def rotate(
    environment: Environment,
    *,
    by: str,
    algorithm: str | None = None,
    at: datetime | None = None,
    only_first: bool = False,
) -> SigningKey:
    """Let the published key sign, or a new one; the old one verifies until its last token has expired (D13)."""
    now = at or timezone.now()
    with transaction.atomic():
        Environment.objects.select_for_update().get(pk=environment.pk)
        old = SigningKey.objects.filter(_SIGNING, environment=environment).first()
        if old is not None and only_first:
            return old
        following = SigningKey.objects.filter(
            _UNFINISHED, environment=environment, published_at__isnull=False, signing_since=None
        ).order_by("published_at")
        new = following.first() or _made_now(environment, old, algorithm, by, now)
        if old is not None:
            SigningKey.objects.filter(_SIGNING, pk=old.pk).update(verify_only_since=now)
        SigningKey.objects.filter(pk=new.pk).update(signing_since=now)
        history.record("rotate", new, by=by, at=now, environment=environment.slug)
    new.refresh_from_db()
    return new


def _made_now(
    environment: Environment, old: SigningKey | None, algorithm: str | None, by: str, now: datetime
) -> SigningKey:
    wanted = algorithm or (old.algorithm if old is not None else SigningKey.Algorithm.RS256)
    key = stage(environment, by=by, algorithm=wanted, at=now)
    publish(key, by=by, at=now)
    return key


def change(
    environment: Environment, *, by: str, algorithm: str | None = None, at: datetime | None = None
) -> SigningKey:
    """A new key at once; every JWT of the environment and the refresh handles of their families end (S0.31, D13).

    Opaque tokens live on (S0.35). The old keys leave the JWKS. Nothing is swept: tokens point at the key that ended.
    """
    now = at or timezone.now()
    with transaction.atomic():
        Environment.objects.select_for_update().get(pk=environment.pk)
        old = SigningKey.objects.filter(_SIGNING, environment=environment).first()
        SigningKey.objects.filter(environment=environment, ended_at=None).update(ended_at=now)
        new = _made_now(environment, old, algorithm, by, now)
        SigningKey.objects.filter(pk=new.pk).update(signing_since=now)
        history.record("change", new, by=by, at=now, environment=environment.slug)
    new.refresh_from_db()
    return new


def retire_due(*, by: str = "", at: datetime | None = None) -> int:
    """Retire verify-only keys whose last JWT has expired; how many. One that never expires keeps its key (D13)."""
    now = at or timezone.now()
    retired = 0
    for key in SigningKey.objects.filter(_UNFINISHED, verify_only_since__isnull=False).select_related("environment"):
        if IssuedToken.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), signing_key=key).exists():
            continue
        if RefreshKey.objects.filter(expires_at__gt=now, signing_key=key).exists():
            continue
        with transaction.atomic():
            retired += SigningKey.objects.filter(_UNFINISHED, pk=key.pk).update(retired_at=now)
            history.record("retire", key, by=by, at=now, environment=key.environment.slug)
    return retired


@lru_cache(maxsize=64)
def private_key(kid: str) -> PrivateKey:
    """The private key of a kid, unsealed. Kept in the process: a record's key never changes."""
    key = SigningKey.objects.filter(kid=kid).first()
    if key is None:
        raise NoSigningKey
    pem = secrets.unseal(bytes(key.sealed_private_key), context=seal_context(key.kid))
    return PrivateKey(key.pk, key.kid, key.algorithm, pem)


_verifying: dict[str, jose.VerifyingKey] = {}


def key_by_id(kid: str) -> jose.VerifyingKey | None:
    """The public key of a kid, or None. Kept in the process; whether it still counts is asked with the token's row."""
    found = _verifying.get(kid)
    if found is None and len(kid) <= 64 and kid.isascii() and kid.isprintable():
        key = SigningKey.objects.filter(kid=kid).first()
        if key is not None:
            found = jose.VerifyingKey(key.pk, key.environment_id, key.kid, key.algorithm, key.public_key)
            _verifying[kid] = found
    return found


def jwks(environment: Environment) -> list[dict[str, object]]:
    """The public keys of an environment that verify now or will soon (RFC 7517)."""
    keys = SigningKey.objects.filter(_UNFINISHED, environment=environment, published_at__isnull=False)
    return [
        jose.public_jwk(kid=key.kid, algorithm=key.algorithm, public_key=key.public_key)
        for key in keys.order_by("created_at", "pk")
    ]
