"""Who answers for a thing, and where reminders go (D43)."""

from django.db import models


class Owned(models.Model):
    """Person, team and e-mail address of whoever is responsible."""

    owner_name = models.CharField(
        "owner",
        max_length=150,
        blank=True,
        default="",
        help_text="Person that answers for it; if possible a user name.",
    )
    owner_team = models.CharField("owner team", max_length=150, blank=True, default="", help_text="Their team.")
    owner_email = models.EmailField(
        "owner e-mail", blank=True, default="", help_text="Reminders about expiring secrets and keys go here."
    )

    class Meta:
        abstract = True
