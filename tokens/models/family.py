"""One issuance and all refreshes that descend from it, and the refresh keys on the way."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from credentials.models import Credential, CredentialDeployment, Grant, User
from proxies.models import ApiProxy, Deployment, Environment, ProxyGroup
from tokens.models.legacy_verifier import LegacyVerifier
from tokens.models.policy import RefreshMode, TokenFormat, TokenPolicy
from tokens.models.signing_key import SigningKey

# What a family points at is archived or withdrawn and never deleted, so the database need not look for it at every
# issue; and what points at a family is deleted before it (tokens.statements.clean). docs/architecture.md says what
# guards that instead.
_UNCHECKED: dict[str, Any] = {"on_delete": models.PROTECT, "db_constraint": False}
# Nobody asks for the families of one of these.
_UNREAD: dict[str, Any] = {**_UNCHECKED, "db_index": False, "null": True, "related_name": "+"}


class TokenFamily(models.Model):
    """Holder, target, the terms copied at issue (D5), the generations it was issued under (D11), and the count (D3).

    `sequence` is the number of successful refreshes. It is the gate of refresh and what ends an opaque access token
    at its successor (D6): the token whose sequence is smaller than the family's has been replaced.
    """

    class Kind(models.TextChoices):
        CLIENT = "client", _("Client credentials")
        LOGIN = "login", _("Login")
        MINTED = "minted", _("Refresh key made in the admin")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.CLIENT)
    credential = models.ForeignKey(
        Credential, verbose_name=_("credential"), null=True, related_name="families", **_UNCHECKED
    )
    # Indexed below, where it says something: most families are of clients and for a proxy.
    user = models.ForeignKey(
        User, verbose_name=_("user"), null=True, related_name="families", db_index=False, **_UNCHECKED
    )
    environment = models.ForeignKey(Environment, verbose_name=_("environment"), related_name="families", **_UNCHECKED)
    proxy = models.ForeignKey(ApiProxy, verbose_name=_("proxy"), null=True, related_name="families", **_UNCHECKED)
    group = models.ForeignKey(
        ProxyGroup, verbose_name=_("group"), null=True, related_name="families", db_index=False, **_UNCHECKED
    )
    grant = models.ForeignKey(Grant, verbose_name=_("grant"), **_UNREAD)
    policy = models.ForeignKey(TokenPolicy, verbose_name=_("policy"), **_UNREAD)
    audience = models.CharField(_("audience"), max_length=255)
    scopes = models.TextField(_("scopes"), help_text=_("All that later refreshes may ask for (D39)."))
    issued_at = models.DateTimeField(_("issued at"))

    token_format = models.CharField(_("token format"), max_length=10, choices=TokenFormat)
    access_token_lifetime_secs = models.PositiveIntegerField(
        _("access token lifetime secs"), null=True, help_text=_("L; empty: never expires.")
    )
    refresh_token_lifetime_secs = models.PositiveIntegerField(
        _("refresh token lifetime secs"), null=True, help_text=_("R; empty: not refreshable.")
    )
    refresh_count = models.PositiveIntegerField(_("refresh count"), null=True, help_text=_("N; empty: without limit."))
    refresh_mode = models.CharField(_("refresh mode"), max_length=10, choices=RefreshMode, default=RefreshMode.ROTATING)
    retry_window_secs = models.PositiveIntegerField(_("retry window secs"), default=10)
    ends_at = models.DateTimeField(_("ends at"), null=True, help_text=_("Absolute end (D9)."))

    key_generation = models.PositiveIntegerField(_("key generation"), null=True)
    user_generation = models.PositiveIntegerField(_("user generation"), null=True)
    deployment = models.ForeignKey(Deployment, verbose_name=_("deployment"), **_UNREAD)
    deployment_generation = models.PositiveIntegerField(_("deployment generation"), null=True)
    credential_deployment = models.ForeignKey(CredentialDeployment, verbose_name=_("credential deployment"), **_UNREAD)
    credential_deployment_generation = models.PositiveIntegerField(_("credential deployment generation"), null=True)
    signing_key = models.ForeignKey(
        SigningKey, verbose_name=_("signing key"), help_text=_("Key at issue; changed: all end."), **_UNREAD
    )

    legacy_verifier = models.ForeignKey(
        LegacyVerifier,
        verbose_name=_("legacy verifier"),
        null=True,
        blank=True,
        related_name="families",
        db_index=False,  # indexed for imported families alone: the others are many more
        help_text=_("Imported: what knows its tokens of before."),
        **_UNCHECKED,
    )
    sequence = models.PositiveIntegerField(_("sequence"), default=0)
    exhausted_at = models.DateTimeField(
        _("exhausted at"), null=True, help_text=_("The refresh handle was cleared past the count (D3).")
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True)
    revoked_by = models.CharField(_("revoked by"), max_length=150, default="")
    revoked_because = models.CharField(_("revoked because"), max_length=200, default="")

    class Meta:
        verbose_name = _("token family")
        verbose_name_plural = _("token families")
        indexes = (
            models.Index(fields=("user",), condition=Q(user__isnull=False), name="families_by_user"),
            models.Index(fields=("group",), condition=Q(group__isnull=False), name="families_by_group"),
            models.Index(fields=("audience",), condition=Q(user__isnull=False), name="sessions_by_audience"),
            models.Index(fields=("revoked_at",), condition=Q(revoked_at__isnull=False), name="families_by_revocation"),
            models.Index(
                fields=("legacy_verifier",),
                condition=Q(legacy_verifier__isnull=False),
                name="imported_families_by_verifier",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(proxy__isnull=True) | Q(group__isnull=True), name="a_family_has_exactly_one_audience"
            ),
            models.CheckConstraint(
                # Both, where a person let a client of another system act for them.
                condition=Q(credential__isnull=False, user__isnull=True)
                | Q(credential__isnull=True, user__isnull=False)
                | Q(credential__isnull=False, user__isnull=False, legacy_verifier__isnull=False),
                name="a_family_belongs_to_a_client_or_a_user",
            ),
            models.CheckConstraint(
                condition=Q(refresh_count__isnull=True) | Q(sequence__lte=F("refresh_count")),
                name="a_family_is_refreshed_at_most_n_times",
            ),
        )

    def __str__(self) -> str:
        return f"family {self.pk}"


_IS_JWT = Q(signing_key__isnull=False)


class RefreshKey(models.Model):
    """A refresh token as a keyed hash. It has at most one successor; with one it is spent (S0.27, D2)."""

    # The constraint of family and sequence is its index.
    family = models.ForeignKey(
        TokenFamily, verbose_name=_("family"), related_name="refresh_keys", db_index=False, **_UNCHECKED
    )
    sequence = models.PositiveIntegerField(_("sequence"))
    # The number of its predecessor, whose row may be cleaned long before it; no number is given twice.
    parent = models.OneToOneField(
        "self",
        verbose_name=_("parent"),
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="successor",
        db_constraint=False,
    )
    token_hash = models.CharField(max_length=64)
    jti = models.CharField(_("jti"), max_length=64)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    lifetime_secs = models.PositiveIntegerField(_("lifetime secs"))
    refreshable = models.BooleanField(_("refreshable"), default=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoked_by = models.CharField(_("revoked by"), max_length=150, blank=True, default="")
    revoked_because = models.CharField(_("revoked because"), max_length=200, blank=True, default="")
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    content = models.JSONField(_("content"), null=True, blank=True)
    device_info = models.JSONField(_("device info"), null=True, blank=True)
    device_id = models.CharField(_("device id"), max_length=150, blank=True, default="")
    signing_key = models.ForeignKey(SigningKey, verbose_name=_("signing key"), blank=True, **_UNREAD)

    class Meta:
        verbose_name = _("refresh token")
        verbose_name_plural = _("refresh tokens")
        constraints = (
            models.UniqueConstraint(fields=("family", "sequence"), name="one_refresh_key_per_family_and_sequence"),
            models.UniqueConstraint(fields=("token_hash",), name="one_refresh_key_per_hash"),
            # Of an index that answers "begins with" too, so that there need not be two.
            models.UniqueConstraint(fields=("jti",), name="one_refresh_key_per_jti", opclasses=["varchar_pattern_ops"]),
        )
        indexes = (
            models.Index(fields=("signing_key",), condition=_IS_JWT, name="jwt_refresh_keys_by_signer"),
            models.Index(fields=("expires_at",), name="refresh_keys_by_expiry"),
            # For the screen of JWT refresh keys alone; the opaque ones of clients are many more.
            models.Index(fields=("-id",), condition=_IS_JWT, name="jwt_refresh_keys_newest"),
            models.Index(fields=("created_at",), condition=_IS_JWT, name="jwt_refresh_keys_by_birth"),
            models.Index(fields=("last_used_at",), condition=_IS_JWT, name="jwt_refresh_keys_by_use"),
            models.Index(fields=("device_id",), condition=~Q(device_id=""), name="refresh_keys_by_device"),
        )

    def __str__(self) -> str:
        return f"refresh key {self.jti[:8]}"


class JwtRefreshKey(RefreshKey):
    """A refresh key of a person, a JWT, as the screen of Setup > Integrations shows it (S2.9, D37)."""

    class Meta:
        proxy = True
        verbose_name = _("JWT refresh key")
        verbose_name_plural = _("JWT Refresh Keys")
