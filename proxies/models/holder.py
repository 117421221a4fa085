"""API proxies and proxy groups: whose keys obtain tokens, and what tokens are for."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from proxies.models.ownership import Owned


class Management(models.TextChoices):
    """Whose policy and keys count (D26)."""

    OWN = "own", _("API Proxy Management: its own policy and key")
    CREDENTIALS = "credentials", _("Credential Management: the credentials granted to it")


class ScopeMatch(models.TextChoices):
    """How required scopes are compared with a token's."""

    ALL = "all", _("All of them")
    ANY = "any", _("Any of them")


class TakenName(models.Model):
    """Slugs and audiences of all proxies and groups, ever: the database says that none is used twice (D43)."""

    name = models.CharField(max_length=255, primary_key=True)

    class Meta:
        verbose_name = _("taken name")
        verbose_name_plural = _("taken names")

    def __str__(self) -> str:
        return self.name


class Holder(Owned):
    """What a proxy and a group have in common."""

    name = models.CharField(_("name"), max_length=150)
    slug = models.SlugField(
        _("slug"), max_length=80, unique=True, help_text=_("Short name for gateways and clients. Permanent.")
    )
    audience = models.CharField(
        _("audience"),
        max_length=255,
        unique=True,
        help_text=_("Absolute URI that JWTs carry as aud and clients send as resource."),
    )
    description = models.TextField(_("description"), blank=True, default="")
    mode = models.CharField(_("management"), max_length=20, choices=Management, default=Management.OWN)
    scopes = models.TextField(
        _("scopes"),
        blank=True,
        default="",
        help_text=_("Scopes defined here, separated by spaces. Empty: the one scope 'access'."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ApiProxy(Holder):
    """One published API."""

    required_scopes = models.TextField(
        _("required scopes"),
        blank=True,
        default="",
        help_text=_("Scopes every call needs, separated by spaces. Empty: none in particular."),
    )
    required_match = models.CharField(_("required match"), max_length=5, choices=ScopeMatch, default=ScopeMatch.ALL)
    accept_token_in_url = models.BooleanField(
        _("accept token in url"),
        default=False,
        help_text=_("Accept access_token in the forwarded URI. Risky: URLs end up in logs and browser history."),
    )

    class Meta(Holder.Meta):
        verbose_name = _("API proxy")
        verbose_name_plural = _("API proxies")


class ProxyGroup(Holder):
    """Several proxies that one token opens."""

    members = models.ManyToManyField(ApiProxy, through="GroupMembership", related_name="groups")

    class Meta(Holder.Meta):
        verbose_name = _("proxy group")
        verbose_name_plural = _("proxy groups")


class GroupMembership(models.Model):
    """A proxy's place in a group; looked up when a token is used, never frozen (D14)."""

    group = models.ForeignKey(ProxyGroup, verbose_name=_("group"), on_delete=models.PROTECT, related_name="memberships")
    proxy = models.ForeignKey(ApiProxy, verbose_name=_("proxy"), on_delete=models.PROTECT, related_name="memberships")
    since = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("group membership")
        verbose_name_plural = _("group memberships")
        constraints = (models.UniqueConstraint(fields=("group", "proxy"), name="a_proxy_is_in_a_group_once"),)

    def __str__(self) -> str:
        return f"{self.proxy} in {self.group}"


class PathRule(models.Model):
    """Scopes that a method and path need on top of the proxy's own (S0.2)."""

    proxy = models.ForeignKey(ApiProxy, on_delete=models.CASCADE, related_name="path_rules")
    method = models.CharField(
        _("method"), max_length=10, blank=True, default="", help_text=_("GET, POST ... Empty: every method.")
    )
    pattern = models.CharField(
        _("pattern"), max_length=255, help_text=_("/invoices/* : * is one segment, ** is any number.")
    )
    scopes = models.TextField(_("scopes"), help_text=_("Scopes needed, separated by spaces."))
    match = models.CharField(_("match"), max_length=5, choices=ScopeMatch, default=ScopeMatch.ALL)

    class Meta:
        verbose_name = _("path rule")
        verbose_name_plural = _("path rules")
        constraints = (
            models.UniqueConstraint(fields=("proxy", "method", "pattern"), name="one_rule_per_method_and_path"),
        )

    def __str__(self) -> str:
        return f"{self.method or 'any method'} {self.pattern}"
