"""Environments: where proxies are deployed and which issuer signs there."""

from django.db import models


class Environment(models.Model):
    """A place to deploy to, with an issuer, signing keys and tokens of its own.

    The issuer URL is computed from the one configured public URL (never from a request), so it is not a column.
    """

    class Kind(models.TextChoices):
        TEST = "test", "Test"
        SANDBOX = "sandbox", "Sandbox"
        PRODUCTION = "production", "Production"

    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=50, unique=True, help_text="Part of URLs: /env/<slug>/oauth2/token. Permanent.")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.TEST)
    description = models.TextField(blank=True, default="")
    is_default = models.BooleanField(
        "default", default=False, help_text="The environment of the endpoints without /env/<slug>/."
    )
    gateways_must_authenticate = models.BooleanField(
        default=False,
        help_text="Gateways must show a connection token of this environment when they ask /auth/verify.",
    )
    signing_key_rotation_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Rotate the signing key every so many days. Empty: by hand."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-is_default", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",), condition=models.Q(is_default=True), name="one_default_environment"
            ),
        )

    def __str__(self) -> str:
        return self.name
