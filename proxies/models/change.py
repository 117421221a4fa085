"""Who changed what, when: the history that every writer of every floor leaves."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChangeRecord(models.Model):
    """One act of a person or the system on one thing, with copied names and without secrets."""

    at = models.DateTimeField(_("at"), db_index=True)
    actor = models.CharField(
        _("actor"), max_length=150, blank=True, default="", help_text=_("User name; empty for the system.")
    )
    verb = models.CharField(_("verb"), max_length=60)
    subject_kind = models.CharField(_("subject kind"), max_length=40)
    subject_id = models.BigIntegerField(_("subject id"))
    subject_name = models.CharField(_("subject name"), max_length=255)
    environment = models.CharField(_("environment"), max_length=50, blank=True, default="")
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    before = models.JSONField(_("before"), null=True, blank=True)
    after = models.JSONField(_("after"), null=True, blank=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=("subject_kind", "subject_id", "-at"), name="changes_of_a_subject"),)

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_kind} {self.subject_name}"
