"""Where a proxy or group is deployed, and the generation that ends its tokens for good (D11)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from proxies.models.environment import Environment
from proxies.models.holder import ApiProxy, ProxyGroup


class Deployment(models.Model):
    """One proxy or group in one environment. Undeploying raises the generation; deploying again keeps it."""

    proxy = models.ForeignKey(ApiProxy, null=True, blank=True, on_delete=models.PROTECT, related_name="deployments")
    group = models.ForeignKey(ProxyGroup, null=True, blank=True, on_delete=models.PROTECT, related_name="deployments")
    environment = models.ForeignKey(
        Environment, verbose_name=_("environment"), on_delete=models.PROTECT, related_name="deployments"
    )
    deployed_at = models.DateTimeField(_("deployed at"))
    undeployed_at = models.DateTimeField(_("undeployed at"), null=True, blank=True)
    generation = models.PositiveIntegerField(_("generation"), default=1)

    class Meta:
        verbose_name = _("deployment")
        verbose_name_plural = _("deployments")
        constraints = (
            models.CheckConstraint(
                condition=Q(proxy__isnull=False, group__isnull=True) | Q(proxy__isnull=True, group__isnull=False),
                name="a_deployment_is_of_a_proxy_or_a_group",
            ),
            models.UniqueConstraint(fields=("proxy", "environment"), name="a_proxy_is_deployed_once_per_environment"),
            models.UniqueConstraint(fields=("group", "environment"), name="a_group_is_deployed_once_per_environment"),
        )

    def __str__(self) -> str:
        return f"{self.holder} in {self.environment}"

    @property
    def holder(self) -> ApiProxy | ProxyGroup:
        """The proxy or group this is about."""
        holder = self.proxy or self.group
        assert holder is not None  # the check constraint promises it
        return holder
