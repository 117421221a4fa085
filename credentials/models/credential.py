"""Clients: one kind, bound to one proxy, to one group, or to a granted set."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from proxies.models import ApiProxy, Environment, Owned, ProxyGroup


class Credential(Owned):
    """A client of the token endpoint.

    Bound to a proxy or a group it is that holder's own key (API Proxy Management, D26). Bound to neither it reaches
    what it was granted (Credential Management).
    """

    client_id = models.CharField(_("client id"), max_length=100, unique=True)
    name = models.CharField(_("name"), max_length=150)
    description = models.TextField(_("description"), blank=True, default="")
    proxy = models.OneToOneField(
        ApiProxy, null=True, blank=True, on_delete=models.PROTECT, related_name="key", verbose_name=_("key of proxy")
    )
    group = models.OneToOneField(
        ProxyGroup, null=True, blank=True, on_delete=models.PROTECT, related_name="key", verbose_name=_("key of group")
    )
    key_generation = models.PositiveIntegerField(_("key generation"), default=1)
    expires_on = models.DateField(
        _("expires on"), null=True, blank=True, help_text=_("Refused from 00:00 UTC of this day on.")
    )
    deactivated_at = models.DateTimeField(_("deactivated at"), null=True, blank=True)
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)
    allowed_addresses = models.TextField(
        _("allowed addresses"),
        blank=True,
        default="",
        help_text=_("Addresses or networks (CIDR), separated by spaces. Empty: from everywhere."),
    )
    auth_methods = models.CharField(
        _("authentication methods"),
        max_length=200,
        default="client_secret_basic client_secret_post",
        help_text=_("How it may prove itself, separated by spaces (RFC 7591 names)."),
    )
    certificate_name = models.CharField(
        _("certificate name"),
        max_length=255,
        blank=True,
        default="",
        help_text=_(
            "What a certificate of tls_client_auth must name, such as dns:shop.example or dn:CN=shop,O=Example."
        ),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=Q(proxy__isnull=True) | Q(group__isnull=True),
                name="a_credential_is_not_bound_to_proxy_and_group",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_bound(self) -> bool:
        """True for the key of a proxy or group."""
        return self.proxy_id is not None or self.group_id is not None


class CredentialSecret(models.Model):
    """A client secret, as a keyed hash. Two slots let a new one work beside the old one (D18)."""

    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="secrets")
    slot = models.PositiveSmallIntegerField(null=True, blank=True)
    digest = models.CharField(max_length=200, help_text=_("Of an imported one its slow hash, until it is first used."))
    created_at = models.DateTimeField()
    retire_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("credential secret")
        verbose_name_plural = _("credential secrets")
        constraints = (
            models.UniqueConstraint(fields=("credential", "slot"), name="two_secrets_per_credential_at_most"),
            models.CheckConstraint(
                condition=Q(slot__isnull=False, slot__in=(1, 2), retired_at__isnull=True)
                | Q(slot__isnull=True, retired_at__isnull=False),
                name="a_secret_has_a_slot_until_it_is_retired",
            ),
        )

    def __str__(self) -> str:
        return f"secret {self.digest[:8]} of {self.credential_id}"


class CredentialKey(models.Model):
    """A public key, a certificate, or the certificate of an authority. Removed ones stay for the record."""

    class Kind(models.TextChoices):
        KEY = "key", _("Public key")
        CERTIFICATE = "certificate", _("Certificate")
        AUTHORITY = "authority", _("Authority")

    credential = models.ForeignKey(
        Credential, verbose_name=_("credential"), on_delete=models.PROTECT, related_name="keys"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    kid = models.CharField(
        _("key id"), max_length=100, help_text=_("What the client's assertions name it, if anything.")
    )
    algorithms = models.CharField(
        _("algorithms"), max_length=100, blank=True, default="", help_text=_("Empty: it signs no assertion.")
    )
    public_key = models.TextField(_("public key"), help_text=_("In PEM."))
    certificate = models.TextField(_("certificate"), blank=True, default="", help_text=_("In PEM."))
    thumbprint = models.CharField("x5t#S256", max_length=43, blank=True, default="")
    subject = models.CharField(_("subject"), max_length=255, blank=True, default="")
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    not_after = models.DateTimeField(_("not after"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("public key or certificate")
        verbose_name_plural = _("public keys and certificates")
        constraints = (
            models.UniqueConstraint(
                fields=("credential", "kid"),
                condition=Q(removed_at__isnull=True),
                name="a_key_id_names_one_key_of_a_credential",
            ),
        )

    def __str__(self) -> str:
        kind = "public key" if self.kind == self.Kind.KEY else self.kind
        return f"{kind} {self.kid} of {self.credential}"


class UsedAssertion(models.Model):
    """The jti of a client assertion that was used; kept until the assertion is past by itself (RFC 7523)."""

    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="+")
    jti_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("used assertion")
        verbose_name_plural = _("used assertions")
        constraints = (
            models.UniqueConstraint(fields=("credential", "jti_hash"), name="an_assertion_is_used_once_per_client"),
        )
        indexes = (models.Index(fields=("expires_at",), name="used_assertions_by_expiry"),)

    def __str__(self) -> str:
        return f"assertion {self.jti_hash[:8]} of {self.credential_id}"


class CredentialDeployment(models.Model):
    """Where a credential of its own may get and use tokens. Undeploying raises the generation (D11)."""

    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="deployments")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="credential_deployments")
    deployed_at = models.DateTimeField()
    undeployed_at = models.DateTimeField(null=True, blank=True)
    generation = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("credential deployment")
        verbose_name_plural = _("credential deployments")
        constraints = (
            models.UniqueConstraint(
                fields=("credential", "environment"), name="a_credential_is_deployed_once_per_environment"
            ),
        )

    def __str__(self) -> str:
        return f"{self.credential} in {self.environment}"
