"""People who log in."""

from collections.abc import Iterator

from django.contrib.auth import hashers
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person. The generation ends every token of the person at once when it rises (D31)."""

    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)
    second_factor_since = models.DateTimeField(_("second factor since"), null=True, blank=True, editable=False)

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

    def get_session_auth_hash(self) -> str:
        """What a session of the admin is bound to: sessions end when the password or the second factor changes."""
        return self._with_second_factor(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """The same under older keys of the installation."""
        for found in super().get_session_auth_fallback_hash():
            yield self._with_second_factor(found)

    def _with_second_factor(self, bound: str) -> str:
        if self.second_factor_since is None:
            return bound
        value = f"{bound} {self.second_factor_since.isoformat()}"
        return salted_hmac("credentials.User second factor", value, algorithm="sha256").hexdigest()
