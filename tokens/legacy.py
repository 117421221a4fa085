"""What knows tokens of other systems: register, extend, end. Sole writer of LegacyVerifier (D20)."""

import hmac
import re
from datetime import datetime
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials import secrets
from proxies import history
from proxies.models import Environment
from proxies.sentences import Sentence
from tokens import foreign
from tokens.errors import InvalidLegacyVerifier
from tokens.models import LegacyVerifier

Kind, Algorithm = LegacyVerifier.Kind, LegacyVerifier.Algorithm
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?", re.ASCII)
_KID = re.compile(r"[\x21-\x7e]{0,100}", re.ASCII)
_CLAIM = re.compile(r"[A-Za-z0-9_.-]{1,60}", re.ASCII)
_CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
_SHORTEST_SHARED_KEY = 32
_LONGEST_KEY = 16 * 1024


def register_checksum(
    *, name: str, environment: Environment, ends_at: datetime, by: str, at: datetime | None = None
) -> LegacyVerifier:
    """Know opaque tokens by their SHA-256 until the end."""
    return _register(name, environment, ends_at, {"kind": Kind.CHECKSUM}, by=by, now=at or timezone.now())


def register_jwt(
    *,
    name: str,
    environment: Environment,
    ends_at: datetime,
    algorithm: str,
    key: bytes,
    by: str,
    kid: str = "",
    user_claim: str = "user_id",
    at: datetime | None = None,
) -> LegacyVerifier:
    """Know JWTs by the other system's key until the end. It is sealed, and verifies only (R2, R3).

    `key` is the shared secret of an HS algorithm, or the public key in PEM. Raises InvalidLegacyVerifier.
    """
    if algorithm not in Algorithm.values:
        raise InvalidLegacyVerifier(
            Sentence(gettext_noop("The algorithm is one of {values}."), values=", ".join(Algorithm.values))
        )
    if _KID.fullmatch(kid) is None or _CLAIM.fullmatch(user_claim) is None:
        raise InvalidLegacyVerifier(
            gettext_noop("A key id has up to 100 visible characters, the name of a claim up to 60.")
        )
    fields = {
        "kind": Kind.JWT,
        "algorithm": algorithm,
        "kid": kid,
        "user_claim": user_claim,
        "sealed_key": secrets.seal(fit_key(algorithm, key), context=foreign.seal_context(name)),
    }
    return _register(name, environment, ends_at, fields, by=by, now=at or timezone.now())


def fit_key(algorithm: str, key: bytes) -> bytes:
    """The key as it is kept; InvalidLegacyVerifier for one that is not for this algorithm.

    A public key is never taken for a shared secret, nor the other way round: whoever knows a public key could sign
    with it (B20). Private keys are refused, since nothing is signed.
    """
    kept = key.strip(b"\r\n")
    if len(kept) > _LONGEST_KEY:
        raise InvalidLegacyVerifier(gettext_noop("The key is too long."))
    looks_like_a_key = b"-----BEGIN" in kept or kept.startswith((b"ssh-", b"ecdsa-", b"{"))
    if algorithm.startswith("HS"):
        if looks_like_a_key:
            raise InvalidLegacyVerifier(
                Sentence(
                    gettext_noop("{algorithm} has a shared secret; this is the key of a key pair."), algorithm=algorithm
                )
            )
        if len(kept) < _SHORTEST_SHARED_KEY:
            raise InvalidLegacyVerifier(
                Sentence(
                    gettext_noop("A shared secret has {least} bytes or more."),
                    least=_SHORTEST_SHARED_KEY,
                )
            )
        return kept
    if b"PRIVATE" in kept:
        raise InvalidLegacyVerifier(
            gettext_noop("This is a private key. Give the public one: nothing is signed with it here.")
        )
    if not _suits(algorithm, kept):
        raise InvalidLegacyVerifier(
            Sentence(gettext_noop("This is no public key in PEM for {algorithm}."), algorithm=algorithm)
        )
    return kept


def refuse_other_key(verifier: LegacyVerifier, key: bytes) -> None:
    """InvalidLegacyVerifier where this is not the key that the verifier has."""
    kept = secrets.unseal(verifier.sealed_key or b"", context=foreign.seal_context(verifier.name))
    if not hmac.compare_digest(kept, fit_key(verifier.algorithm, key)):
        raise InvalidLegacyVerifier(
            Sentence(
                gettext_noop("{verifier} has another key. Register the new one under another name: --name"),
                verifier=verifier,
            )
        )


def _suits(algorithm: str, pem: bytes) -> bool:
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return algorithm.startswith("RS") and key.key_size >= 2048
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == _CURVES.get(algorithm)


def _register(
    name: str, environment: Environment, ends_at: datetime, fields: dict[str, Any], *, by: str, now: datetime
) -> LegacyVerifier:
    if _NAME.fullmatch(name) is None:
        raise InvalidLegacyVerifier(gettext_noop("The name has up to 50 small letters, digits and hyphens."))
    if ends_at <= now:
        raise InvalidLegacyVerifier(gettext_noop("The end must lie in the future."))
    try:
        with transaction.atomic():
            made = LegacyVerifier.objects.create(
                name=name, environment=environment, created_at=now, ends_at=ends_at, **fields
            )
            told = {"kind": made.kind, "algorithm": made.algorithm, "kid": made.kid, "ends_at": ends_at}
            history.record("register", made, by=by, at=now, environment=environment.slug, after=told)
    except IntegrityError as taken:
        raise InvalidLegacyVerifier(Sentence(gettext_noop("A verifier named {name} exists."), name=name)) from taken
    foreign.forget()
    return made


def move_end(verifier: LegacyVerifier, ends_at: datetime, *, by: str, at: datetime | None = None) -> None:
    """Another end, later or sooner; one that has passed stays passed. Tokens that ended themselves stay so.

    Raises InvalidLegacyVerifier where the verifier has ended, or the end does not lie ahead.
    """
    now = at or timezone.now()
    if ends_at <= now:
        raise InvalidLegacyVerifier(
            gettext_noop("The end must lie in the future. To end it now there is an act of its own.")
        )
    _move(verifier, ends_at, by=by, now=now)


def end(verifier: LegacyVerifier, *, by: str, at: datetime | None = None) -> None:
    """End it now: none of its tokens is known from then on, at every process within seconds. Twice changes nothing."""
    now = at or timezone.now()
    if verifier.ends_at > now:
        _move(verifier, now, by=by, now=now)


def _move(verifier: LegacyVerifier, ends_at: datetime, *, by: str, now: datetime) -> None:
    with transaction.atomic():
        kept = LegacyVerifier.objects.select_for_update().get(pk=verifier.pk)
        if kept.ends_at <= now:
            raise InvalidLegacyVerifier(gettext_noop("It has ended. Its tokens are not brought back."))
        LegacyVerifier.objects.filter(pk=kept.pk).update(ends_at=ends_at)
        history.record(
            "move end", kept, by=by, at=now, environment=kept.environment.slug,
            before={"ends_at": kept.ends_at}, after={"ends_at": ends_at},
        )  # fmt: skip
    verifier.refresh_from_db()
    foreign.forget()
