"""People who log in."""

from django.contrib.auth import hashers
from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. The generation ends every token of the person at once when it rises (D31)."""

    generation = models.PositiveIntegerField(default=1, editable=False)

    def set_password(self, raw_password: str | None) -> None:
        """Set a new password and raise the generation, so that tokens got with the old one end (D31)."""
        super().set_password(raw_password)
        if self.pk is not None:
            self.generation += 1

    def check_password(self, raw_password: str | None) -> bool:
        """True for the right password. Rehashing on the way raises no generation (D31)."""

        def rehash(raw: str) -> None:
            self.password = hashers.make_password(raw)
            self._password = None
            self.save(update_fields=("password",))

        return hashers.check_password(raw_password, self.password, rehash)
