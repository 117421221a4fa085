"""Personal access tokens: what a person lets a script do in their name (S3.12)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from credentials.models.user import User


class PersonalAccessToken(models.Model):
    """A token of a person as a keyed hash. It ends with the generation of its person (D31)."""

    owner = models.ForeignKey(User, verbose_name=_("owner"), on_delete=models.PROTECT, related_name="personal_tokens")
    name = models.CharField(_("name"), max_length=100, help_text=_("What it is for."))
    scopes = models.CharField(_("scopes"), max_length=200, help_text=_("Separated by spaces."))
    digest = models.CharField(max_length=64, unique=True)
    user_generation = models.PositiveIntegerField()
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    last_used_address = models.GenericIPAddressField(_("last used address"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoked_by = models.CharField(_("revoked by"), max_length=150, blank=True, default="")
    revoked_because = models.CharField(_("revoked because"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("personal access token")
        verbose_name_plural = _("personal access tokens")
        default_permissions = ("view", "change")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name
