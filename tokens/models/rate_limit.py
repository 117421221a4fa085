"""What was asked and turned away, per address and minute."""

from django.db import models


class RateLimitWindow(models.Model):
    """Requests of one address in one minute. What the limiter turns away is counted here, not logged (D24)."""

    address = models.CharField(max_length=45)
    minute = models.BigIntegerField(help_text="Minutes since 1970 (UTC).")
    requests = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("address", "minute"), name="one_count_per_address_and_minute"),)

    def __str__(self) -> str:
        return f"{self.address} at minute {self.minute}"
