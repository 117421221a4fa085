"""What every act that ends something asks, and where it came from."""

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from proxies.adminkit import actor
from tokens.callers import request_facts
from tokens.lifecycle import Request


class BecauseForm(forms.Form):
    """Why."""

    because = forms.CharField(label=gettext_lazy("Reason"), max_length=200, required=False)


def asked(request: HttpRequest) -> Request:
    """Where an act of the admin came from, for the log."""
    return request_facts(request.META, actor=actor(request))
