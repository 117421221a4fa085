"""The settings, for paths that every request takes: each is looked up once.

Django's own object runs a method of its own at each use, which takes several times as long as reading an attribute: a
token request reads a dozen and more of them.
"""

from typing import Any

from django.conf import settings as of_django


class _Settled:
    """Reads as `django.conf.settings` does; nothing is set here."""

    def __getattr__(self, name: str) -> Any:
        """Asked for what was not looked up before. Raises AttributeError, as Django does."""
        value = getattr(of_django, name)
        self.__dict__[name] = value
        return value

    def forget(self) -> None:
        """Look all of them up again. Nothing but a test changes a setting while the process runs."""
        self.__dict__.clear()


settings = _Settled()
