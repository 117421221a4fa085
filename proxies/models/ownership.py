"""Who answers for a thing, and where reminders go (D43)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Owned(models.Model):
    """Person, team and e-mail address of whoever is responsible."""

    owner_name = models.CharField(
        _("owner"),
        max_length=150,
        blank=True,
        default="",
        help_text=_("Person that answers for it; if possible a user name."),
    )
    owner_team = models.CharField(_("owner team"), max_length=150, blank=True, default="", help_text=_("Their team."))
    owner_email = models.EmailField(
        _("owner e-mail"), blank=True, default="", help_text=_("Reminders about expiring secrets and keys go here.")
    )

    class Meta:
        abstract = True
