"""Clients: one kind, bound to one proxy, to one group, or to a granted set."""

from django.db import models
from django.db.models import Q

from proxies.models import ApiProxy, Environment, Owned, ProxyGroup


class Credential(Owned):
    """A client of the token endpoint.

    Bound to a proxy or a group it is that holder's own key (API Proxy Management, D26). Bound to neither it reaches
    what it was granted (Credential Management).
    """

    client_id = models.CharField(max_length=100, unique=True)
    name = models.CharField(max_length=150)
    description = models.TextField(blank=True, default="")
    proxy = models.OneToOneField(
        ApiProxy, null=True, blank=True, on_delete=models.PROTECT, related_name="key", verbose_name="key of proxy"
    )
    group = models.OneToOneField(
        ProxyGroup, null=True, blank=True, on_delete=models.PROTECT, related_name="key", verbose_name="key of group"
    )
    key_generation = models.PositiveIntegerField(default=1)
    expires_on = models.DateField(null=True, blank=True, help_text="Refused from 00:00 UTC of this day on.")
    deactivated_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    allowed_addresses = models.TextField(
        blank=True, default="", help_text="Addresses or networks (CIDR), separated by spaces. Empty: from everywhere."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
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
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    retire_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
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


class CredentialDeployment(models.Model):
    """Where a credential of its own may get and use tokens. Undeploying raises the generation (D11)."""

    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="deployments")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="credential_deployments")
    deployed_at = models.DateTimeField()
    undeployed_at = models.DateTimeField(null=True, blank=True)
    generation = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("credential", "environment"), name="a_credential_is_deployed_once_per_environment"
            ),
        )

    def __str__(self) -> str:
        return f"{self.credential} in {self.environment}"
