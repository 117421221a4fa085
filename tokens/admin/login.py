"""Who may enter: the admin's login counts failures as the login of REST does, in the same bucket (D38)."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import ngettext

from tokens import lifecycle
from tokens.callers import request_facts
from tokens.errors import RateLimited


class LimitedLoginForm(AdminAuthenticationForm):
    """Name and password, so many tries for one name from one address in each quarter of an hour.

    A stranger elsewhere locks nobody out, nothing is locked for ever, and who succeeds spends no try.
    """

    def clean(self) -> dict[str, Any]:
        assert self.request is not None
        name = str(self.cleaned_data.get("username", ""))
        try:
            counted = lifecycle.limit(lifecycle.by_login(name, request_facts(self.request.META).address))
        except RateLimited as refusal:
            minutes = -(-refusal.retry_after // 60)
            told = ngettext(
                "Too many failed attempts. Try again in %(n)d minute.",
                "Too many failed attempts. Try again in %(n)d minutes.",
                minutes,
            )
            raise ValidationError(told % {"n": minutes}, code="rate_limited") from refusal
        values = super().clean()
        counted.give_back()
        return values


admin.site.login_form = LimitedLoginForm
