"""Environments: where proxies are deployed and which issuer signs there."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Environment(models.Model):
    """A place to deploy to, with an issuer, signing keys and tokens of its own.

    The issuer URL is computed from the one configured public URL (never from a request), so it is not a column.
    """

    class Kind(models.TextChoices):
        TEST = "test", _("Test")
        SANDBOX = "sandbox", _("Sandbox")
        PRODUCTION = "production", _("Production")

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(
        _("slug"), max_length=50, unique=True, help_text=_("Part of URLs: /env/NAME/oauth2/token. Permanent.")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.TEST)
    description = models.TextField(_("description"), blank=True, default="")
    is_default = models.BooleanField(
        _("default"), default=False, help_text=_("The environment of the endpoints without /env/NAME/.")
    )
    gateways_must_authenticate = models.BooleanField(
        _("gateways must authenticate"),
        default=False,
        help_text=_("Gateways must show a connection token of this environment when they ask /auth/verify."),
    )
    signing_key_rotation_days = models.PositiveIntegerField(
        _("signing key rotation days"),
        null=True,
        blank=True,
        help_text=_("Rotate the signing key every so many days. Empty: by hand."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("environment")
        verbose_name_plural = _("environments")
        ordering = ("-is_default", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",), condition=models.Q(is_default=True), name="one_default_environment"
            ),
        )

    def __str__(self) -> str:
        return self.name
