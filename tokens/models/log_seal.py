"""Seals over the request log, chained, and how far sealing and checking have come (I10)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LogSeal(models.Model):
    """One range of ids of the log, all that was written in it, and the seal before. Triggers refuse every change.

    `hash` covers the rows and the hash before it; `signature` is the hash under a key that is not in the database.
    """

    number = models.PositiveBigIntegerField(primary_key=True, help_text=_("1, 2, 3 ... without a gap."))
    first_id = models.BigIntegerField(_("first id"))
    last_id = models.BigIntegerField(_("last id"))
    rows = models.PositiveIntegerField(_("rows"), help_text=_("Ids of transactions that were rolled back have none."))
    rows_hash = models.CharField(_("rows hash"), max_length=64)
    previous_hash = models.CharField(_("previous hash"), max_length=64, blank=True, default="")
    hash = models.CharField(_("hash"), max_length=64)
    signature = models.CharField(_("signature"), max_length=64)
    key_name = models.CharField(_("key name"), max_length=16, help_text=_("Which of TOKEN_HASH_KEYS signed it."))
    layout = models.PositiveSmallIntegerField(_("layout"), default=1, help_text=_("Which columns the hash covers."))
    sealed_at = models.DateTimeField(_("sealed at"))

    class Meta:
        verbose_name = _("seal of the request log")
        verbose_name_plural = _("seals of the request log")
        ordering = ("-number",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"seal {self.number} over rows {self.first_id} to {self.last_id}"


class LogMark(models.Model):
    """The one row that says what waits to be sealed and what is to be checked next."""

    noted_id = models.BigIntegerField(default=0, help_text=_("The newest row of the log at that moment."))
    noted_at = models.DateTimeField(null=True)
    checked_number = models.PositiveBigIntegerField(default=0, help_text=_("The seal whose rows were checked last."))

    class Meta:
        verbose_name = _("log mark")
        verbose_name_plural = _("log marks")
        default_permissions = ()

    def __str__(self) -> str:
        return f"noted row {self.noted_id}"
