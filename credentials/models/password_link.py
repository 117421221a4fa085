"""A link by which a person sets their own password: an invitation, or a reset."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from credentials.models.user import User


class PasswordLink(models.Model):
    """The one link of a person that works, as a keyed hash. It is gone once used, and ends with the generation."""

    person = models.OneToOneField(User, on_delete=models.CASCADE, related_name="password_link")
    digest = models.CharField(max_length=64, unique=True)
    user_generation = models.PositiveIntegerField()
    made_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("password link")
        verbose_name_plural = _("password links")
        default_permissions = ()

    def __str__(self) -> str:
        return f"password link of {self.person}"
