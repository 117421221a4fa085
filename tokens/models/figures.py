"""The figures of the dashboard, counted once for everybody who looks."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Figures(models.Model):
    """One row: what was counted, when, and how long it took."""

    taken_at = models.DateTimeField(null=True)
    took_ms = models.FloatField(default=0)
    figures = models.JSONField(default=dict)
    counting_since = models.DateTimeField(null=True, help_text=_("Somebody counts; nobody else does so meanwhile."))

    class Meta:
        verbose_name = _("figures")
        verbose_name_plural = _("figures")
        default_permissions = ()

    def __str__(self) -> str:
        return f"figures of {self.taken_at:%Y-%m-%d %H:%M:%S}" if self.taken_at else "no figures yet"
