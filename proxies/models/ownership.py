"""Who answers for a thing, and where reminders go (D43)."""

from django.db import models


class Owned(models.Model):
    """Name or team, and an e-mail address, of whoever is responsible."""

    owner_name = models.CharField(
        "owner", max_length=150, blank=True, default="", help_text="Person or team that answers for it."
    )
    owner_email = models.EmailField(
        "owner e-mail", blank=True, default="", help_text="Reminders about expiring secrets and keys go here."
    )

    class Meta:
        abstract = True
