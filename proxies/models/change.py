"""Who changed what, when: the history that every writer of every floor leaves."""

from django.db import models


class ChangeRecord(models.Model):
    """One act of a person or the system on one thing, with copied names and without secrets."""

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=150, blank=True, default="", help_text="User name; empty for the system.")
    verb = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    subject_name = models.CharField(max_length=255)
    environment = models.CharField(max_length=50, blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = "change"
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=("subject_kind", "subject_id", "-at"), name="changes_of_a_subject"),)

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_kind} {self.subject_name}"
