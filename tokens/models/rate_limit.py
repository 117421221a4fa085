"""What was asked and turned away, per caller and window."""

from django.db import models


class RateLimitWindow(models.Model):
    """Requests of one caller in one window. What the limiter turns away is counted here, not logged (D24)."""

    starts_at = models.DateTimeField()
    bucket = models.CharField(max_length=20, help_text="What is counted: token requests by address, by client, ...")
    caller = models.CharField(max_length=100, help_text="Address, client id, or a fingerprint of what was typed.")
    requests = models.PositiveIntegerField(default=0, help_text="Where Redis counts: known for refused ones only.")
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("starts_at", "bucket", "caller"), name="one_count_per_caller_bucket_and_window"
            ),
        )

    def __str__(self) -> str:
        return f"{self.bucket} {self.caller} at {self.starts_at:%Y-%m-%d %H:%M}"
