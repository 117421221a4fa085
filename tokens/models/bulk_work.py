"""Work on many rows, done in the background piece by piece (D12)."""

from django.db import models


class BulkWork(models.Model):
    """Many revocations that were asked for at once. Which rows is fixed when it is asked for, in its slices."""

    class What(models.TextChoices):
        TOKEN = "token", "Revoke access tokens"
        FAMILY = "family", "Revoke families with all their tokens"
        KEY = "key", "Revoke refresh keys alone"

    what = models.CharField(max_length=10, choices=What)
    chosen_by = models.CharField("filter", max_length=500, blank=True, default="", help_text="What the list showed.")
    by = models.CharField("asked for by", max_length=150)
    because = models.CharField("reason", max_length=200, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    ended = models.PositiveIntegerField(default=0, help_text="Rows that this work ended; the others were ended before.")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=150, blank=True, default="")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = "bulk work", "bulk work"
        ordering = ("-id",)
        default_permissions = ("view", "change")
        indexes = (models.Index(fields=("id",), condition=models.Q(finished_at=None), name="bulk_work_to_do"),)

    def __str__(self) -> str:
        return f"bulk work {self.pk}"

    @property
    def state(self) -> str:
        """Where it is now, in a word."""
        if self.finished_at is not None:
            return "succeeded"
        if self.paused_at is not None:
            return "paused"
        return "waiting" if self.started_at is None else "running"


class BulkSlice(models.Model):
    """A few hundred rows of a work. What a killed process left half done is taken up again as a whole."""

    work = models.ForeignKey(BulkWork, on_delete=models.CASCADE, related_name="slices")
    number = models.PositiveIntegerField()
    rows = models.JSONField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("work", "number")
        constraints = (models.UniqueConstraint(fields=("work", "number"), name="one_slice_of_a_number"),)

    def __str__(self) -> str:
        return f"slice {self.number} of {self.work_id}"
