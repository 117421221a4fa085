"""Personal access tokens: what a person lets a script do in their name (S3.12)."""

from django.db import models

from credentials.models.user import User


class PersonalAccessToken(models.Model):
    """A token of a person as a keyed hash. It ends with the generation of its person (D31)."""

    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="personal_tokens")
    name = models.CharField(max_length=100, help_text="What it is for.")
    scopes = models.CharField(max_length=200, help_text="Separated by spaces.")
    digest = models.CharField(max_length=64, unique=True)
    user_generation = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_address = models.GenericIPAddressField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True, default="")
    revoked_because = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        default_permissions = ("view", "change")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name
