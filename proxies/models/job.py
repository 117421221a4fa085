"""Scheduled jobs: who holds one, whether it is paused, and what its runs did."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ScheduledJob(models.Model):
    """One job's place in time. Its lease is these two columns: whoever sets them in one UPDATE may run it."""

    name = models.CharField(max_length=60, unique=True)
    holder = models.CharField(max_length=100, blank=True, default="", help_text=_("Who runs it now. Empty: nobody."))
    held_until = models.DateTimeField(
        null=True, blank=True, help_text=_("A holder that was killed loses the job at this moment.")
    )
    last_run_at = models.DateTimeField(null=True, blank=True, help_text=_("Start of the last run that was finished."))
    retry_at = models.DateTimeField(null=True, blank=True, help_text=_("Tried again then, since the last run failed."))
    requested_at = models.DateTimeField(null=True, blank=True)
    requested_by = models.CharField(_("requested by"), max_length=150, blank=True, default="")
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    paused_by = models.CharField(_("paused by"), max_length=150, blank=True, default="")

    class Meta:
        verbose_name = _("scheduled job")
        verbose_name_plural = _("scheduled jobs")
        ordering = ("name",)
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.name


class JobRun(models.Model):
    """One run of a job, kept some days."""

    class Outcome(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        INTERRUPTED = "interrupted", _("Interrupted")

    job = models.CharField(_("job"), max_length=60)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome, default=Outcome.RUNNING)
    counts = models.JSONField(_("counts"), default=dict)
    trouble = models.CharField(
        _("trouble"), max_length=200, blank=True, default="", help_text=_("Kind and place of what went wrong.")
    )
    duration_ms = models.FloatField(_("duration ms"), null=True, blank=True)
    node = models.CharField(_("node"), max_length=100, default="", help_text=_("Host and process that ran it."))

    class Meta:
        verbose_name = _("job run")
        verbose_name_plural = _("job runs")
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=("job", "-started_at"), name="runs_of_a_job"),
            models.Index(fields=("started_at",), name="runs_by_age"),
        )

    def __str__(self) -> str:
        return f"{self.job} at {self.started_at:%Y-%m-%d %H:%M:%S}"
