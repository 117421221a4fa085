"""Work on many rows, done in the background piece by piece (D12)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class BulkWork(models.Model):
    """Many revocations that were asked for at once. Which rows is fixed when it is asked for, in its slices."""

    class What(models.TextChoices):
        TOKEN = "token", _("Revoke access tokens")
        FAMILY = "family", _("Revoke families with all their tokens")
        KEY = "key", _("Revoke refresh keys alone")

    what = models.CharField(_("what"), max_length=10, choices=What)
    chosen_by = models.CharField(
        _("filter"), max_length=500, blank=True, default="", help_text=_("What the list showed.")
    )
    by = models.CharField(_("asked for by"), max_length=150)
    because = models.CharField(_("reason"), max_length=200, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    ended = models.PositiveIntegerField(
        _("ended"), default=0, help_text=_("Rows that this work ended; the others were ended before.")
    )
    created_at = models.DateTimeField(_("created at"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    paused_by = models.CharField(_("paused by"), max_length=150, blank=True, default="")
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("bulk work"), _("bulk work")
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
        verbose_name = _("bulk slice")
        verbose_name_plural = _("bulk slices")
        default_permissions = ()
        ordering = ("work", "number")
        constraints = (models.UniqueConstraint(fields=("work", "number"), name="one_slice_of_a_number"),)

    def __str__(self) -> str:
        return f"slice {self.number} of {self.work_id}"
