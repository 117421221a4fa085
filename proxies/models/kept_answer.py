"""Answers of the management API, kept a while so that a request may be sent twice."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class KeptAnswer(models.Model):
    """What a POST with an Idempotency-Key was answered. Key and request are kept as keyed hashes."""

    person_id = models.BigIntegerField(help_text=_("Who asked; no foreign key: people live on the floor above."))
    key_hash = models.CharField(max_length=64)
    request_hash = models.CharField(max_length=64, help_text=_("Of method, address and body."))
    status = models.PositiveSmallIntegerField(default=0, help_text=_("0 in the transaction that works on it."))
    body = models.TextField(null=True, help_text=_("Empty where the answer held a secret."))
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("kept answer")
        verbose_name_plural = _("kept answers")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("person_id", "key_hash"), name="one_answer_per_person_and_key"),)
        indexes = (models.Index(fields=("expires_at",), name="kept_answers_by_expiry"),)

    def __str__(self) -> str:
        return f"answer {self.pk}"
