"""How values look: badges for states, short values that can be copied whole, times in the viewer's zone."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, DateTimeField, Field, Model
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from proxies.sentences import translated

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NOTHING = "-"

# What a state means for whoever looks: all is well, act soon, it is over by itself, it was ended.
_KINDS = {
    "good": (
        gettext_noop("live"),
        gettext_noop("active"),
        gettext_noop("signing"),
        gettext_noop("deployed"),
        gettext_noop("granted"),
        gettext_noop("good"),
        gettext_noop("in force"),
        gettext_noop("succeeded"),
        gettext_noop("default"),
    ),
    "warn": (
        gettext_noop("expiring"),
        gettext_noop("published"),
        gettext_noop("suspended"),
        gettext_noop("warning"),
        gettext_noop("never expires"),
        gettext_noop("inactive"),
        gettext_noop("running late"),
    ),
    "quiet": (
        gettext_noop("expired"),
        gettext_noop("retired"),
        gettext_noop("archived"),
        gettext_noop("replaced"),
        gettext_noop("spent"),
        gettext_noop("exhausted"),
        gettext_noop("verify-only"),
        gettext_noop("staged"),
        gettext_noop("undeployed"),
    ),
    "info": (
        gettext_noop("scheduled"),
        gettext_noop("waiting"),
        gettext_noop("running"),
        gettext_noop("paused"),
        gettext_noop("renewed"),
        gettext_noop("unknown"),
    ),
    "bad": (
        gettext_noop("removed"),
        gettext_noop("revoked"),
        gettext_noop("refused"),
        gettext_noop("ended"),
        gettext_noop("problem"),
        gettext_noop("failed"),
        gettext_noop("overdue"),
    ),
}
_KIND_OF = {state: kind for kind, states in _KINDS.items() for state in states}


def badge(kind: str, text: "StrOrPromise") -> SafeString:
    """A short state in words; the colour (good, warn, bad, quiet, info) only helps."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def state_badge(state: str) -> SafeString:
    """A badge whose colour follows from the word."""
    return badge(_KIND_OF.get(state, "info"), translated(state))


def copyable(value: str, *, shown: int = 10, bare: bool = False) -> SafeString | str:
    """A value cut short, whole on hover and for the clipboard. `bare`: the button alone, beside a link."""
    if not value:
        return NOTHING
    copy, told = _("Copy"), _("Copy {value}")
    if bare:
        return format_html(
            '<button type="button" class="copy" data-copy-text="{0}" title="{0}" aria-label="{1}">{2}</button>',
            value,
            told.format(value=value[:8]),
            copy,
        )
    text = value if len(value) <= shown + 1 else f"{value[:shown]}…"
    return format_html(
        '<span class="copyable"><code title="{0}">{1}</code>'
        '<button type="button" class="copy" data-copy-text="{0}" aria-label="{2}">{3}</button></span>',
        value,
        text,
        told.format(value=text),
        copy,
    )


def moment(at: datetime | None, *, relative: bool = False, seconds: bool = False) -> SafeString | str:
    """A time: UTC from the server, in the viewer's zone by the script, UTC on hover. `relative`: 5 minutes ago."""
    if at is None:
        return NOTHING
    utc = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC"{}{}>{}</time>',
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        utc.strftime("%Y-%m-%d %H:%M:%S"),
        SafeString(" data-relative") if relative else "",
        SafeString(" data-seconds") if seconds else "",
        utc.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"),
    )


Column = str | Callable[[Any], Any]


def columns(model: type[Model], names: Sequence[Any], *, own: type) -> tuple[Column, ...]:
    """The names of a list or page, with times and yes/no fields of the model turned into columns of ours."""
    return tuple(
        _column(model, name) or name if isinstance(name, str) and not hasattr(own, name) else name for name in names
    )


@cache
def _column(model: type[Model], name: str) -> Callable[[Any], Any] | None:
    """A column that shows a field our way; one and the same object each time, since the admin compares them."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    if not isinstance(field, DateTimeField | BooleanField):
        return None

    def show(subject: Any) -> SafeString | str:
        value = getattr(subject, name)
        return _yes_or_no(value) if isinstance(value, bool) else moment(value)

    return _named(show, name, field)


def _named(show: Callable[[Any], Any], name: str, field: "Field[Any, Any]") -> Callable[[Any], Any]:
    show.__name__ = name
    show.short_description = field.verbose_name  # type: ignore[attr-defined]
    show.admin_order_field = name  # type: ignore[attr-defined]
    return show


def _yes_or_no(value: bool) -> SafeString | str:
    return badge("info", _("yes")) if value else NOTHING
