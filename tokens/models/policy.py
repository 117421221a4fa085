"""Token policies: what the key of a proxy or group, or a credential, may be given."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credentials.models import Credential
from proxies.models import ApiProxy, ProxyGroup


class TokenFormat(models.TextChoices):
    """OAuth2 means opaque (looked up); JWT means an RFC 9068 access token."""

    OPAQUE = "opaque", _("OAuth2 (opaque)")
    JWT = "jwt", _("JWT")


class RefreshMode(models.TextChoices):
    """What a refresh gives back (D1)."""

    ROTATING = "rotating", _("Rotating: a new refresh token each time")
    STATIC = "static", _("Static: the same refresh token again")


class TokenPolicy(models.Model):
    """Terms of new token families. They are copied at issue; an edit concerns later ones only (D5)."""

    proxy = models.OneToOneField(
        ApiProxy, verbose_name=_("proxy"), null=True, blank=True, on_delete=models.PROTECT, related_name="policy"
    )
    group = models.OneToOneField(
        ProxyGroup, verbose_name=_("group"), null=True, blank=True, on_delete=models.PROTECT, related_name="policy"
    )
    credential = models.OneToOneField(
        Credential, verbose_name=_("credential"), null=True, blank=True, on_delete=models.PROTECT, related_name="policy"
    )
    token_format = models.CharField(_("token type"), max_length=10, choices=TokenFormat, default=TokenFormat.OPAQUE)
    never_expires = models.BooleanField(
        _("token never expires"), default=False, help_text=_("Only undeploying or changing a key ends such a token.")
    )
    access_token_lifetime_secs = models.PositiveIntegerField(
        _("token lifetime (seconds)"), null=True, blank=True, help_text=_("L. Required unless the token never expires.")
    )
    refresh_allowed = models.BooleanField(_("refresh token allowed"), default=True)
    refresh_token_lifetime_secs = models.PositiveIntegerField(
        _("refresh token lifetime (seconds)"), null=True, blank=True, help_text=_("R, from the moment it is received.")
    )
    refresh_count = models.PositiveIntegerField(
        _("refresh token count"), null=True, blank=True, help_text=_("N, how many times. Empty: without limit.")
    )
    refresh_mode = models.CharField(_("refresh mode"), max_length=10, choices=RefreshMode, default=RefreshMode.ROTATING)
    retry_window_secs = models.PositiveIntegerField(
        _("retry window (seconds)"),
        default=10,
        help_text=_("A lost answer can be asked for again this long after first use. 0: strict."),
    )
    family_lifetime_secs = models.PositiveIntegerField(
        _("family lifetime (seconds)"),
        null=True,
        blank=True,
        help_text=_("Absolute end of all refreshes. Empty: none."),
    )
    suspended_at = models.DateTimeField(_("suspended at"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("token policy")
        verbose_name_plural = _("token policies")
        constraints = (
            models.CheckConstraint(
                condition=Q(proxy__isnull=False, group__isnull=True, credential__isnull=True)
                | Q(proxy__isnull=True, group__isnull=False, credential__isnull=True)
                | Q(proxy__isnull=True, group__isnull=True, credential__isnull=False),
                name="a_policy_has_exactly_one_owner",
            ),
            models.CheckConstraint(
                condition=Q(never_expires=True)
                | Q(access_token_lifetime_secs__isnull=False, access_token_lifetime_secs__gt=0),
                name="a_policy_never_expires_or_has_a_lifetime",
            ),
            models.CheckConstraint(
                condition=Q(refresh_allowed=False)
                | Q(never_expires=True)
                | Q(refresh_token_lifetime_secs__isnull=False, refresh_token_lifetime_secs__gt=0),
                name="a_policy_with_refresh_has_a_refresh_lifetime",
            ),
        )

    def __str__(self) -> str:
        return f"policy of {self.owner}"

    @property
    def owner(self) -> ApiProxy | ProxyGroup | Credential | None:
        """The proxy, group or credential it belongs to."""
        return self.proxy or self.group or self.credential
