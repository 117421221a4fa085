"""Whoever must have a second factor and has none is led to set one up, and reaches nothing else by a session."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from credentials import second_factors

SET_UP = "admin:second_factor"
_STILL_OPEN = (SET_UP, "admin:login", "admin:logout", "admin:password_change", "admin:password_change_done",
               "admin:jsi18n")  # fmt: skip


class SecondFactorFirst:
    """Middleware. Screens lead to the page that sets one up; everywhere else the session counts as nobody's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SECOND_FACTOR_REQUIRED and second_factors.is_missing(request.user):
            if request.path.startswith(reverse("admin:index")):
                if request.path not in {reverse(name) for name in _STILL_OPEN}:
                    return HttpResponseRedirect(reverse(SET_UP))
            else:
                request.user = AnonymousUser()
        return self.get_response(request)
