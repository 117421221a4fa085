"""Access tokens."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tokens.models.family import TokenFamily
from tokens.models.policy import TokenFormat
from tokens.models.signing_key import SigningKey


class IssuedToken(models.Model):
    """One access token: a keyed hash (opaque) or a jti and the key that signed it (JWT)."""

    # PROTECT is the ORM's alone here and below; docs/architecture.md says why, and what guards instead.
    family = models.ForeignKey(
        TokenFamily, verbose_name=_("family"), on_delete=models.PROTECT, related_name="tokens", db_constraint=False
    )
    sequence = models.PositiveIntegerField(_("sequence"), default=0)
    token_format = models.CharField(_("token format"), max_length=10, choices=TokenFormat)
    digest = models.CharField(max_length=64, null=True)
    jti = models.CharField(_("jti"), max_length=64)
    signing_key = models.ForeignKey(
        SigningKey,
        verbose_name=_("signing key"),
        null=True,
        on_delete=models.PROTECT,
        related_name="tokens",
        db_constraint=False,
        db_index=False,
    )
    scopes = models.TextField(_("scopes"))
    issued_at = models.DateTimeField(_("issued at"))
    expires_at = models.DateTimeField(_("expires at"), null=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True)
    revoked_by = models.CharField(_("revoked by"), max_length=150, default="")
    revoked_because = models.CharField(_("revoked because"), max_length=200, default="")
    certificate_thumbprint = models.CharField(
        _("certificate thumbprint"),
        max_length=43,
        blank=True,
        default="",
        help_text=_("x5t#S256 of the certificate that it is bound to (RFC 8705)."),
    )
    last_used_at = models.DateTimeField(_("last used at"), null=True)
    last_used_proxy = models.CharField(
        _("last used proxy"), max_length=80, default="", help_text=_("Slug of the proxy it was last used at.")
    )
    last_used_address = models.GenericIPAddressField(_("last used address"), null=True)

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        constraints = (
            models.UniqueConstraint(fields=("digest",), name="one_access_token_per_digest"),
            # Of an index that answers "begins with" too, so that there need not be two.
            models.UniqueConstraint(
                fields=("jti",), name="one_access_token_per_jti", opclasses=["varchar_pattern_ops"]
            ),
            models.CheckConstraint(
                condition=Q(token_format="jwt", signing_key__isnull=False, digest__isnull=True)
                | Q(token_format="opaque", signing_key__isnull=True, digest__isnull=False),
                name="a_jwt_has_a_signing_key_and_an_opaque_token_a_digest",
            ),
        )
        indexes = (
            models.Index(fields=("expires_at",), name="access_tokens_by_expiry"),
            models.Index(fields=("signing_key",), condition=Q(signing_key__isnull=False), name="jwts_by_signing_key"),
            models.Index(
                fields=("revoked_at",), condition=Q(revoked_at__isnull=False), name="access_tokens_by_revocation"
            ),
        )

    def __str__(self) -> str:
        return f"access token {self.jti[:8]}"
