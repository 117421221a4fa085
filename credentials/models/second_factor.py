"""The second thing by which a person proves themselves: an app that makes codes, and codes on paper in its place."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from credentials.models.user import User


class SecondFactor(models.Model):
    """The key that a person's app holds, sealed. It counts once `User.second_factor_since` is set, not before."""

    person = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    sealed_key = models.BinaryField()
    last_step = models.BigIntegerField(default=-1, help_text=_("The time step of the last code that was accepted."))
    begun_at = models.DateTimeField()

    class Meta:
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")
        default_permissions = ()

    def __str__(self) -> str:
        return f"second factor of {self.person}"


class RecoveryCode(models.Model):
    """A code that stands for the app once, as a keyed hash."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        default_permissions = ()

    def __str__(self) -> str:
        return f"recovery code of {self.person}"
