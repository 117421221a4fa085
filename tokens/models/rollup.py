"""Hourly sums of the request log, for charts that must not read it whole."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RequestRollup(models.Model):
    """How many requests of one kind there were in one hour."""

    hour = models.DateTimeField()
    environment = models.CharField(max_length=50, blank=True, default="")
    proxy = models.CharField(max_length=80, blank=True, default="")
    group = models.CharField(max_length=80, blank=True, default="")
    client_id = models.CharField(max_length=100, blank=True, default="", help_text=_("Of known clients only."))
    action = models.CharField(max_length=12)
    outcome = models.CharField(max_length=8)
    reason = models.CharField(max_length=60, blank=True, default="")
    requests = models.PositiveIntegerField()
    duration_ms = models.FloatField(default=0, help_text=_("Of all of them together."))
    longest_ms = models.FloatField(default=0)

    class Meta:
        verbose_name = _("hourly count")
        verbose_name_plural = _("hourly counts")
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(
                fields=("hour", "environment", "proxy", "group", "client_id", "action", "outcome", "reason"),
                name="one_count_per_hour_and_kind",
            ),
        )

    def __str__(self) -> str:
        return f"{self.requests} {self.action} {self.outcome} at {self.hour:%Y-%m-%d %H:00}"
