"""How values look: badges for states, short values that can be copied whole, times in the viewer's zone."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, DateTimeField, Field, Model
from django.utils.html import format_html
from django.utils.safestring import SafeString

NOTHING = "-"

# What a state means for whoever looks: all is well, act soon, it is over by itself, it was ended.
_KINDS = {
    "good": ("live", "active", "signing", "deployed", "granted", "good", "in force", "succeeded", "default"),
    "warn": ("expiring", "published", "suspended", "warning", "never expires", "inactive", "running late"),
    "quiet": (
        "expired",
        "retired",
        "archived",
        "replaced",
        "spent",
        "exhausted",
        "verify-only",
        "staged",
        "undeployed",
    ),
    "bad": ("removed", "revoked", "refused", "ended", "problem", "failed", "overdue"),
}
_KIND_OF = {state: kind for kind, states in _KINDS.items() for state in states}


def badge(kind: str, text: str) -> SafeString:
    """A short state in words; the colour (good, warn, bad, quiet, info) only helps."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def state_badge(state: str) -> SafeString:
    """A badge whose colour follows from the word."""
    return badge(_KIND_OF.get(state, "info"), state)


def copyable(value: str, *, shown: int = 10, bare: bool = False) -> SafeString | str:
    """A value cut short, whole on hover and for the clipboard. `bare`: the button alone, beside a link."""
    if not value:
        return NOTHING
    if bare:
        return format_html(
            '<button type="button" class="copy" data-copy-text="{0}" title="{0}" aria-label="Copy {1}">Copy</button>',
            value,
            value[:8],
        )
    text = value if len(value) <= shown + 1 else f"{value[:shown]}…"
    return format_html(
        '<span class="copyable"><code title="{0}">{1}</code>'
        '<button type="button" class="copy" data-copy-text="{0}" aria-label="Copy {1}">Copy</button></span>',
        value,
        text,
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
    return badge("info", "yes") if value else NOTHING
