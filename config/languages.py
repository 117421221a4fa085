"""The language of the screens: the one that the browser asks for, of those that have a catalogue here.

The portal's other doors speak English always: what they answer is read by programs.
"""

from collections.abc import Callable
from pathlib import Path

from django.conf import global_settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import to_locale


def offered(folders: list[Path]) -> list[tuple[str, str]]:
    """English, and each language that a folder of catalogues holds.

    Django ships words of its own in many languages. With those alone a page would be half one, half the other.
    """
    return [
        (code, name)
        for code, name in global_settings.LANGUAGES
        if code == "en" or any(_catalogue(folder, code).is_file() for folder in folders)
    ]


def _catalogue(folder: Path, code: str) -> Path:
    return folder / to_locale(code) / "LC_MESSAGES" / "django.mo"


class LanguageOfScreens:
    """Middleware. It is over with the answer, so that no language is left to whoever this thread answers next."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(reverse("admin:index")):
            return self.get_response(request)
        language = translation.get_language_from_request(request)
        with translation.override(language):
            answer = self.get_response(request)
        patch_vary_headers(answer, ("Accept-Language",))
        answer.headers.setdefault("Content-Language", language)
        return answer
