"""How tokens of another system are recognised until they are gone (D20)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from proxies.models import Environment


class LegacyVerifier(models.Model):
    """Tokens that were imported keep their own form: this says by what they are known, and until when.

    A checksum verifier knows a token by its SHA-256. A JWT verifier holds the other system's key, sealed, with the
    algorithm and the key id that a header must name: it only verifies, nothing is ever signed with it.
    """

    class Kind(models.TextChoices):
        CHECKSUM = "checksum", _("Opaque tokens, known by their SHA-256")
        JWT = "jwt", _("JWTs, verified by the other system's key")

    class Algorithm(models.TextChoices):
        HS256 = "HS256", "HS256"
        HS384 = "HS384", "HS384"
        HS512 = "HS512", "HS512"
        RS256 = "RS256", "RS256"
        RS384 = "RS384", "RS384"
        RS512 = "RS512", "RS512"
        ES256 = "ES256", "ES256"
        ES384 = "ES384", "ES384"
        ES512 = "ES512", "ES512"

    name = models.SlugField(_("name"), max_length=50, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    environment = models.ForeignKey(
        Environment, verbose_name=_("environment"), on_delete=models.PROTECT, related_name="legacy_verifiers"
    )
    algorithm = models.CharField(_("algorithm"), max_length=5, choices=Algorithm, blank=True, default="")
    kid = models.CharField(
        _("key id"), max_length=100, blank=True, default="", help_text=_("Empty: headers that name no key.")
    )
    user_claim = models.CharField(
        _("user claim"), max_length=60, blank=True, default="", help_text=_("Names the user in a JWT.")
    )
    sealed_key = models.BinaryField(null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    ends_at = models.DateTimeField(_("ends at"), help_text=_("From then on its tokens are unknown."))

    class Meta:
        ordering = ("name",)
        verbose_name = _("imported-token verifier")
        verbose_name_plural = _("imported-token verifiers")
        default_permissions = ("view", "change")
        constraints = (
            models.CheckConstraint(
                condition=Q(kind="checksum", algorithm="", sealed_key__isnull=True)
                | (Q(kind="jwt", sealed_key__isnull=False) & ~Q(algorithm="")),
                name="a_jwt_verifier_has_a_key_and_its_algorithm",
            ),
        )

    def __str__(self) -> str:
        return self.name
