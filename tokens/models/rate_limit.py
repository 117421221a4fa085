"""What was asked and turned away, per caller and window."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RateLimitWindow(models.Model):
    """Requests of one caller in one window. What the limiter turns away is counted here, not logged (D24)."""

    starts_at = models.DateTimeField(_("starts at"))
    bucket = models.CharField(
        _("bucket"), max_length=20, help_text=_("What is counted: token requests by address, by client, ...")
    )
    caller = models.CharField(
        _("caller"), max_length=100, help_text=_("Address, client id, or a fingerprint of what was typed.")
    )
    requests = models.PositiveIntegerField(
        _("requests"), default=0, help_text=_("Where Redis counts: known for refused ones only.")
    )
    refused = models.PositiveIntegerField(_("refused"), default=0)

    class Meta:
        verbose_name = _("rate limit window")
        verbose_name_plural = _("rate limit windows")
        constraints = (
            models.UniqueConstraint(
                fields=("starts_at", "bucket", "caller"), name="one_count_per_caller_bucket_and_window"
            ),
        )

    def __str__(self) -> str:
        return f"{self.bucket} {self.caller} at {self.starts_at:%Y-%m-%d %H:%M}"
