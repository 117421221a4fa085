"""Connection configurations: one kind of installation that talks to the portal, and its two-slot tokens (S4)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credentials.querysets import ConnectionConfigurationQuerySet
from proxies.models import Environment, Owned

REVOKED_SHOWN = 3


class ConnectionConfiguration(Owned):
    """One kind of installation. The deployment type is permanent (D33); deleting is closing (D35)."""

    class DeploymentType(models.TextChoices):
        KUBERNETES = "kubernetes", _("Kubernetes")
        REVERSE_PROXY = "reverse_proxy", _("Reverse proxy")
        VIRTUAL_MACHINE = "virtual_machine", _("Virtual machine")
        CONTAINER = "container", _("Container")
        OTHER = "other", _("Other")

    class Protocol(models.TextChoices):
        HTTPS = "https", _("HTTPS")
        HTTP = "http", _("HTTP")

    name = models.CharField(_("name"), max_length=150)
    description = models.TextField(_("description"), blank=True, default="")
    deployment_type = models.CharField(_("deployment type"), max_length=20, choices=DeploymentType)
    environment = models.ForeignKey(
        Environment, verbose_name=_("environment"), on_delete=models.PROTECT, related_name="connections"
    )
    target_host = models.CharField(_("target host"), max_length=255, blank=True, default="")
    target_ports = models.CharField(
        _("target ports"), max_length=100, blank=True, default="", help_text=_("Separated by commas.")
    )
    target_protocol = models.CharField(_("target protocol"), max_length=5, choices=Protocol, default=Protocol.HTTPS)
    licence_ends_at = models.DateTimeField(_("licence ends at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    last_refused_at = models.DateTimeField(_("last refused at"), null=True, blank=True)
    last_refused_because = models.CharField(_("last refused because"), max_length=200, blank=True, default="")

    objects = ConnectionConfigurationQuerySet.as_manager()

    class Meta:
        verbose_name = _("connection configuration")
        verbose_name_plural = _("connection configurations")
        ordering = ("name", "id")
        permissions = (("reveal_connectiontoken", "Can show and copy connection tokens"),)

    def __str__(self) -> str:
        return self.name

    def tokens_to_show(self) -> "list[ConnectionToken]":
        """The active tokens, newest first, and the three that were revoked last (S4.17)."""
        active = self.tokens.filter(slot__isnull=False)
        revoked = self.tokens.filter(slot__isnull=True).order_by("-revoked_at", "-id")
        return [*active, *revoked[:REVOKED_SHOWN]]


class ConnectionToken(models.Model):
    """A token that proves an installation. At most two hold a slot: a third active token cannot exist (D32)."""

    class Cause(models.TextChoices):
        """What ended a token (S4.18-S4.20)."""

        USER = "user", _("Revoked by a user")
        REPLACED = "replaced", _("Replaced by a user")
        LICENCE = "licence", _("The licence ended")
        CLOSED = "closed", _("The configuration was deleted")

    configuration = models.ForeignKey(ConnectionConfiguration, on_delete=models.PROTECT, related_name="tokens")
    slot = models.PositiveSmallIntegerField(null=True, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150, blank=True, default="")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True, default="")
    revoked_cause = models.CharField(max_length=10, choices=Cause, blank=True, default="")
    revoked_because = models.CharField(
        max_length=200, blank=True, default="", help_text=_("In the words of who did it.")
    )
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_instance = models.CharField(max_length=150, blank=True, default="")
    last_used_address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        verbose_name = _("connection token")
        verbose_name_plural = _("connection tokens")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("configuration", "slot"), name="two_active_tokens_per_configuration"),
            models.CheckConstraint(
                condition=Q(slot__isnull=False, slot__in=(1, 2), revoked_at__isnull=True)
                | Q(slot__isnull=True, revoked_at__isnull=False),
                name="a_connection_token_has_a_slot_until_revoked",
            ),
        )

    def __str__(self) -> str:
        return f"connection token {self.pk} of {self.configuration_id}"


class GatewayInstance(models.Model):
    """One running installation that was seen with a token of the configuration."""

    configuration = models.ForeignKey(ConnectionConfiguration, on_delete=models.PROTECT, related_name="instances")
    instance_id = models.CharField(max_length=150)
    deployment_type = models.CharField(max_length=20)
    version = models.CharField(max_length=60, blank=True, default="")
    address = models.GenericIPAddressField(null=True, blank=True)
    protecting = models.BooleanField(default=True)
    first_heartbeat_at = models.DateTimeField()
    last_heartbeat_at = models.DateTimeField()

    class Meta:
        verbose_name = _("gateway instance")
        verbose_name_plural = _("gateway instances")
        ordering = ("-last_heartbeat_at",)
        constraints = (
            models.UniqueConstraint(fields=("configuration", "instance_id"), name="an_instance_is_listed_once"),
        )

    def __str__(self) -> str:
        return self.instance_id
