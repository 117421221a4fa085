"""Signing keys: stage, publish, rotate, change, retire. Sole writer of SigningKey (D13, S0.31)."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials import secrets
from proxies import history
from proxies.models import Environment
from proxies.sentences import Sentence
from tokens import jose, key_rules
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
        raise SigningKeyState(gettext_noop("This is not an unencrypted private key in PEM.")) from unreadable
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise SigningKeyState(gettext_noop("Use an RSA key of 2048 bits or more, or an EC key on P-256."))


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
        told = {"kid": kid, "algorithm": algorithm}
        history.record("stage", key, by=by, at=now, environment=environment.slug, after=told)
    return key


def publish(key: SigningKey, *, by: str, at: datetime | None = None) -> None:
    """Show a staged key in the JWKS, well before it signs."""
    now = at or timezone.now()
    with transaction.atomic():
        if SigningKey.objects.filter(_UNFINISHED, pk=key.pk, published_at=None).update(published_at=now) == 0:
            raise SigningKeyState(gettext_noop("Only a staged key can be published."))
        told = history.switched("published", True)
        history.record("publish", key, by=by, at=now, environment=key.environment.slug, **told)


def publish_next(
    environment: Environment, *, by: str, algorithm: str | None = None, at: datetime | None = None
) -> SigningKey:
    """The key that will sign next, in the JWKS: the one that is there, the oldest staged one, or a new one."""
    now = at or timezone.now()
    with transaction.atomic():
        _hold(environment)
        return _next(environment, algorithm) or _made_next(environment, by=by, algorithm=algorithm, now=now)


def ensure(environment: Environment, *, by: str, at: datetime | None = None) -> None:
    """Give an environment its first signing key. Does nothing where one signs."""
    if _signing(environment) is None:
        with transaction.atomic():
            _hold(environment)
            if _signing(environment) is None:
                _let_sign(environment, None, by=by, now=at or timezone.now())


def rotate(
    environment: Environment, *, by: str, algorithm: str | None = None, at: datetime | None = None
) -> SigningKey:
    """Let the published key sign, or a new one; the old one verifies until its last token has expired (D13).

    At once: whoever has fetched the JWKS before a new key was in it refuses its tokens until the next fetch.
    """
    now = at or timezone.now()
    with transaction.atomic():
        _hold(environment)
        return _let_sign(environment, _next(environment, algorithm), by=by, now=now, algorithm=algorithm)


def rotate_published(
    environment: Environment, *, by: str, algorithm: str | None = None, at: datetime | None = None
) -> SigningKey:
    """Let the published key sign once everybody can have fetched it, so that no validator refuses its tokens (I21).

    The first key of an environment signs at once. Raises SigningKeyState where no key has been published long enough.
    """
    now = at or timezone.now()
    with transaction.atomic():
        _hold(environment)
        following = _next(environment, algorithm)
        if _signing(environment) is not None:
            _refuse_unknown(following, now)
        return _let_sign(environment, following, by=by, now=now, algorithm=algorithm)


def _refuse_unknown(following: SigningKey | None, now: datetime) -> None:
    if following is None or following.published_at is None:
        raise SigningKeyState(
            Sentence(
                gettext_noop(
                    "No next key is published yet. Publish one first: validators may keep the JWKS for {seconds}"
                    " seconds, and would refuse tokens of a key that they do not know."
                ),
                seconds=key_rules.JWKS_LIFETIME.seconds,
            )
        )
    known = key_rules.known_from(following.published_at)
    if now < known:
        raise SigningKeyState(
            Sentence(
                gettext_noop(
                    "{following} was published a moment ago. Validators that keep the JWKS know it from"
                    " {known:%H:%M:%S} UTC on; rotate then."
                ),
                following=following,
                known=known,
            )
        )


def _hold(environment: Environment) -> None:
    """One at a time: whatever chooses the signing key of an environment waits here for the other."""
    Environment.objects.select_for_update().get(pk=environment.pk)


def _signing(environment: Environment) -> SigningKey | None:
    return SigningKey.objects.filter(_SIGNING, environment=environment).first()


def _next(environment: Environment, algorithm: str | None = None) -> SigningKey | None:
    """The published key that will sign next, of this algorithm where one is wanted."""
    waiting = SigningKey.objects.filter(
        _UNFINISHED, environment=environment, published_at__isnull=False, signing_since=None
    )
    wanted = {} if algorithm is None else {"algorithm": algorithm}
    return waiting.filter(**wanted).order_by("published_at", "pk").first()


def _made_next(environment: Environment, *, by: str, algorithm: str | None, now: datetime) -> SigningKey:
    """A published key: the oldest staged one, or a new one like the one that signs."""
    staged = SigningKey.objects.filter(_UNFINISHED, environment=environment, published_at=None)
    if algorithm is not None:
        staged = staged.filter(algorithm=algorithm)
    key = staged.order_by("created_at", "pk").first() or _made(environment, by=by, algorithm=algorithm, now=now)
    publish(key, by=by, at=now)
    key.refresh_from_db()
    return key


def _made(environment: Environment, *, by: str, algorithm: str | None, now: datetime) -> SigningKey:
    old = _signing(environment)
    like = old.algorithm if old is not None else SigningKey.Algorithm.RS256
    return stage(environment, by=by, algorithm=algorithm or like, at=now)


def _let_sign(
    environment: Environment,
    following: SigningKey | None,
    *,
    by: str,
    now: datetime,
    algorithm: str | None = None,
    verb: str = "rotate",
) -> SigningKey:
    new = following
    if new is None:
        new = _made(environment, by=by, algorithm=algorithm, now=now)
        publish(new, by=by, at=now)
    signed = SigningKey.objects.filter(environment=environment, signing_since__isnull=False)
    old = signed.order_by("-signing_since", "-pk").first()
    SigningKey.objects.filter(_SIGNING, environment=environment).update(verify_only_since=now)
    if SigningKey.objects.filter(_UNFINISHED, pk=new.pk, signing_since=None).update(signing_since=now) == 0:
        raise SigningKeyState
    before, after = {"signing": None if old is None else old.kid}, {"signing": new.kid}
    history.record(verb, new, by=by, at=now, environment=environment.slug, before=before, after=after)
    new.refresh_from_db()
    return new


def change(
    environment: Environment, *, by: str, algorithm: str | None = None, at: datetime | None = None
) -> SigningKey:
    """A new key at once; every JWT of the environment and the refresh handles of their families end (S0.31, D13).

    Opaque tokens live on (S0.35). The old keys leave the JWKS. Nothing is swept: tokens point at the key that ended.
    """
    now = at or timezone.now()
    with transaction.atomic():
        _hold(environment)
        old = _signing(environment)
        wanted = algorithm or (None if old is None else old.algorithm)
        SigningKey.objects.filter(environment=environment, ended_at=None).update(ended_at=now)
        return _let_sign(environment, None, by=by, now=now, algorithm=wanted, verb="change")


def retire(key: SigningKey, *, by: str, at: datetime | None = None) -> None:
    """Take back a key that never signed. What has signed goes by itself, when its last token has expired."""
    now = at or timezone.now()
    with transaction.atomic():
        _hold(key.environment)
        if SigningKey.objects.filter(_UNFINISHED, pk=key.pk, signing_since=None).update(retired_at=now) == 0:
            raise SigningKeyState(gettext_noop("Only a key that never signed can be taken back."))
        told = history.switched("retired", True)
        history.record("retire", key, by=by, at=now, environment=key.environment.slug, **told)


def retire_due(*, by: str = "", at: datetime | None = None) -> int:
    """Retire verify-only keys whose last JWT has expired; how many. One that never expires keeps its key (D13)."""
    now = at or timezone.now()
    retired = 0
    for key in SigningKey.objects.filter(_UNFINISHED, verify_only_since__isnull=False).select_related("environment"):
        assert key.verify_only_since is not None
        valid = IssuedToken.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), signing_key=key).exists()
        if not key_rules.may_retire(key.verify_only_since, valid, now):
            continue
        if RefreshKey.objects.filter(expires_at__gt=now, signing_key=key).exists():
            continue
        with transaction.atomic():
            if SigningKey.objects.filter(_UNFINISHED, pk=key.pk).update(retired_at=now):
                told = history.switched("retired", True)
                history.record("retire", key, by=by, at=now, environment=key.environment.slug, **told)
                retired += 1
    return retired


@dataclass(frozen=True, slots=True)
class Turned:
    """What the calendar asked for in one sweep."""

    published: int
    rotated: int
    retired: int


def rotate_due(*, by: str = "", at: datetime | None = None) -> Turned:
    """Do what is due in every environment whose keys rotate by themselves: publish well ahead, rotate, retire.

    Running it twice, or two at a time, does nothing more: each step looks again while it holds the environment.
    """
    now = at or timezone.now()
    steps = [_turn(environment, by, now) for environment in Environment.objects.exclude(signing_key_rotation_days=None)]
    return Turned(steps.count("published"), steps.count("rotated"), retire_due(by=by, at=now))


def _turn(environment: Environment, by: str, now: datetime) -> str:
    with transaction.atomic():
        days = Environment.objects.select_for_update().get(pk=environment.pk).signing_key_rotation_days
        old = _signing(environment)
        if days is None or old is None or old.signing_since is None:
            return ""
        following = _next(environment)
        if following is None:
            if now < key_rules.publication_due(old.signing_since, days):
                return ""
            _made_next(environment, by=by, algorithm=None, now=now)
            return "published"
        if now < key_rules.rotation_due(old.signing_since, days, following.published_at):
            return ""
        _let_sign(environment, following, by=by, now=now)
        return "rotated"


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
