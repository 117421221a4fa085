"""A lifetime: one of a list, or a free value such as `45 days` (D30)."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokens.session_rules import LIFETIMES, lifetime_in_seconds

_OTHER = ""
_PRESET = 30 * 24 * 3600

_LABELS = {
    "1 day": gettext_lazy("1 day"),
    "7 days": gettext_lazy("7 days"),
    "30 days": gettext_lazy("30 days"),
    "90 days": gettext_lazy("90 days"),
    "180 days": gettext_lazy("180 days"),
    "1 year": gettext_lazy("1 year"),
}


class LifetimeWidget(forms.MultiWidget):
    """The list and, beside it, the free value."""

    template_name = "tokens/widgets/lifetime.html"

    def __init__(self) -> None:
        choices = [(str(seconds), _LABELS[label]) for seconds, label in LIFETIMES]
        free = forms.TextInput(
            attrs={
                "placeholder": gettext_lazy("45 days"),
                "aria-label": gettext_lazy("Another lifetime"),
                "maxlength": 20,
                "autocomplete": "off",
            }
        )
        named = forms.Select(
            choices=[*choices, (_OTHER, gettext_lazy("Other …"))], attrs={"aria-label": gettext_lazy("Lifetime")}
        )
        super().__init__([named, free])

    def decompress(self, value: Any) -> list[Any]:
        known = {seconds for seconds, _label in LIFETIMES}
        seconds = _PRESET if value is None else value
        return [str(seconds), ""] if seconds in known else [_OTHER, str(seconds)]


class LifetimeField(forms.MultiValueField):
    """Seconds, by list or in words. A free value beats the list."""

    widget = LifetimeWidget

    def __init__(self) -> None:
        fields = (forms.CharField(required=False), forms.CharField(required=False, max_length=20))
        super().__init__(
            fields=fields,
            require_all_fields=False,
            label=gettext_lazy("Lifetime"),
            help_text=gettext_lazy("From the list, or another one: 45 days, 12 hours, or a number of seconds."),
        )

    def compress(self, data_list: list[Any]) -> int:
        chosen, free = ([*data_list, "", ""])[:2]
        seconds = lifetime_in_seconds(str(free or chosen or ""))
        if seconds is None:
            raise ValidationError(_("Write a lifetime as 45 days, 12 hours, or as a number of seconds."))
        most = settings.REFRESH_TOKEN_MAXIMUM_LIFETIME_SECONDS
        if not 1 <= seconds <= max(most, settings.REFRESH_TOKEN_LIFETIME_SECONDS):
            raise ValidationError(
                _("The most that this installation allows is {value} days.").format(value=most // 86400)
            )
        return seconds
