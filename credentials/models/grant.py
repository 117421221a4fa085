"""What a credential or a user may reach."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credentials.models.credential import Credential
from credentials.models.user import User
from proxies.models import ApiProxy, ProxyGroup


class Grant(models.Model):
    """Access of one credential or user to one proxy or group; looked up when a token is used (D14).

    A withdrawn grant keeps its row, so that granting again revives it and tokens can point at it.
    """

    credential = models.ForeignKey(
        Credential, verbose_name=_("credential"), null=True, blank=True, on_delete=models.PROTECT, related_name="grants"
    )
    user = models.ForeignKey(
        User, verbose_name=_("user"), null=True, blank=True, on_delete=models.PROTECT, related_name="grants"
    )
    proxy = models.ForeignKey(
        ApiProxy, verbose_name=_("proxy"), null=True, blank=True, on_delete=models.PROTECT, related_name="grants"
    )
    group = models.ForeignKey(
        ProxyGroup, verbose_name=_("group"), null=True, blank=True, on_delete=models.PROTECT, related_name="grants"
    )
    scopes = models.TextField(
        _("scopes"),
        blank=True,
        default="",
        help_text=_("Scopes granted, separated by spaces. Empty: all that are defined there."),
    )
    expires_on = models.DateField(_("expires on"), null=True, blank=True, help_text=_("Ends at 00:00 UTC of this day."))
    disallowed_methods = models.CharField(
        _("disallowed methods"),
        max_length=100,
        blank=True,
        default="",
        help_text=_("HTTP methods refused, separated by spaces."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = (
            models.CheckConstraint(
                condition=Q(credential__isnull=False, user__isnull=True)
                | Q(credential__isnull=True, user__isnull=False),
                name="a_grant_is_to_a_credential_or_a_user",
            ),
            models.CheckConstraint(
                condition=Q(proxy__isnull=False, group__isnull=True) | Q(proxy__isnull=True, group__isnull=False),
                name="a_grant_is_for_a_proxy_or_a_group",
            ),
            models.UniqueConstraint(fields=("credential", "proxy"), name="one_grant_per_credential_and_proxy"),
            models.UniqueConstraint(fields=("credential", "group"), name="one_grant_per_credential_and_group"),
            models.UniqueConstraint(fields=("user", "proxy"), name="one_grant_per_user_and_proxy"),
            models.UniqueConstraint(fields=("user", "group"), name="one_grant_per_user_and_group"),
        )

    def __str__(self) -> str:
        return f"{self.credential or self.user} may use {self.proxy or self.group}"
