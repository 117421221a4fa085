"""Signing keys of an environment. Private parts are sealed; state is dates."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from proxies.models import Environment


class SigningKey(models.Model):
    """One key pair: staged, published, signing, verify-only, retired; or ended at once by a change (D13)."""

    class Algorithm(models.TextChoices):
        RS256 = "RS256", _("RS256 (RSA 2048)")
        ES256 = "ES256", _("ES256 (P-256)")

    environment = models.ForeignKey(
        Environment, verbose_name=_("environment"), on_delete=models.PROTECT, related_name="signing_keys"
    )
    kid = models.CharField(_("key id"), max_length=64, unique=True)
    algorithm = models.CharField(_("algorithm"), max_length=10, choices=Algorithm)
    sealed_private_key = models.BinaryField()
    public_key = models.TextField(_("public key"), help_text=_("PEM"))
    created_at = models.DateTimeField(_("created at"))
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    signing_since = models.DateTimeField(_("signing since"), null=True, blank=True)
    verify_only_since = models.DateTimeField(_("verify only since"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)
    ended_at = models.DateTimeField(
        _("ended at"), null=True, blank=True, help_text=_("Changed: everything it signed is refused.")
    )

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        ordering = ("environment", "-created_at")
        constraints = (
            models.UniqueConstraint(
                fields=("environment",),
                condition=Q(
                    signing_since__isnull=False,
                    verify_only_since__isnull=True,
                    retired_at__isnull=True,
                    ended_at__isnull=True,
                ),
                name="one_signing_key_per_environment",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kid} ({self.algorithm})"

    @property
    def state(self) -> str:
        """The name of where it is in its life."""
        if self.ended_at:
            return "ended"
        if self.retired_at:
            return "retired"
        if self.verify_only_since:
            return "verify-only"
        if self.signing_since:
            return "signing"
        return "published" if self.published_at else "staged"
