"""The permanent token request log. Triggers refuse every change (D24, I8)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class TokenRequestLog(models.Model):
    """One token request, granted or refused. All values are copies; no secret is among them."""

    class Action(models.TextChoices):
        ISSUE = "issue", _("Issue")
        REFRESH = "refresh", _("Refresh")
        REVOKE = "revoke", _("Revoke")
        INTROSPECT = "introspect", _("Introspect")
        LOGIN = "login", _("Login")
        RENEW = "renew", _("Renew")
        LOGOUT = "logout", _("Logout")
        MINT = "mint", _("Mint")

    class Outcome(models.TextChoices):
        GRANTED = "granted", _("Granted")
        REFUSED = "refused", _("Refused")

    at = models.DateTimeField(_("at"))
    action = models.CharField(_("action"), max_length=12, choices=Action)
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome)
    reason = models.CharField(max_length=60, default="", help_text=_("Error code of a refusal, or why it was granted."))
    status = models.PositiveSmallIntegerField(_("status"), help_text=_("HTTP status of the answer."))
    environment = models.CharField(_("environment"), max_length=50, default="")
    client_id = models.CharField(max_length=100, default="")
    client_name = models.CharField(max_length=150, default="")
    username = models.CharField(_("username"), max_length=150, default="")
    actor = models.CharField(
        _("actor"), max_length=150, default="", help_text=_("Person who acted, in the admin or by command.")
    )
    proxy = models.CharField(_("proxy"), max_length=80, default="")
    group = models.CharField(_("group"), max_length=80, default="")
    audience = models.CharField(_("audience"), max_length=255, default="")
    token_format = models.CharField(_("token format"), max_length=10, default="")
    jti = models.CharField(max_length=64, default="")
    family_id = models.BigIntegerField(null=True)
    fingerprint = models.CharField(max_length=16, default="", help_text=_("First 16 digits of the keyed hash."))
    scopes = models.TextField(_("scopes"), default="")
    issued_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    refresh_expires_at = models.DateTimeField(null=True)
    refresh_sequence = models.PositiveIntegerField(_("refresh sequence"), null=True)
    address = models.CharField(_("address"), max_length=45, default="")
    user_agent = models.CharField(_("user agent"), max_length=300, default="")
    request_id = models.CharField(_("request id"), max_length=64, default="")
    duration_ms = models.FloatField(null=True)

    class Meta:
        verbose_name = _("token request")
        verbose_name_plural = _("token request log")
        default_permissions = ("view",)
        permissions = (("export_tokenrequestlog", "Can export the token request log"),)
        indexes = (
            models.Index(fields=("-at",), name="log_by_time"),
            models.Index(fields=("client_id", "-at"), name="log_by_client"),
            models.Index(fields=("family_id",), name="log_by_family"),
            models.Index(fields=("jti",), name="log_by_start_of_jti", opclasses=["varchar_pattern_ops"]),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.outcome} at {self.at:%Y-%m-%d %H:%M:%S}"
