"""The life of a family of refresh keys: each generation, when it was used, and from where."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from proxies.adminkit import moment, state_badge
from tokens.models import JwtRefreshKey
from tokens.querysets import state_of

MOST = 100


def timeline(key: JwtRefreshKey) -> SafeString:
    """An ordered list, oldest first; of a long family the newest generations."""
    keys = JwtRefreshKey.objects.filter(family=key.family_id).order_by("-sequence")[:MOST]
    now = timezone.now()
    rows = format_html_join("", "{}", ((_generation(each, key, now),) for each in reversed(_with_family(keys, key))))
    return format_html('<ol class="timeline">{}</ol>', rows)


def _with_family(keys: Any, key: JwtRefreshKey) -> list[JwtRefreshKey]:
    """All belong to the family that is at hand already: no query for each."""
    found = list(keys)
    for each in found:
        each.family = key.family
    return found


def _generation(each: JwtRefreshKey, shown: JwtRefreshKey, now: Any) -> SafeString:
    told = each.device_info or {}
    place = ", ".join(str(part) for part in (told.get("browser"), told.get("system"), told.get("address")) if part)
    used = (
        format_html(
            _("last used {} from {}") if place else _("last used {}"), moment(each.last_used_at, seconds=True), place
        )
        if each.last_used_at
        else _("never used")
    )
    name: str | SafeString = each.jti[:10]
    if each.pk != shown.pk:
        address = reverse("admin:tokens_jwtrefreshkey_change", args=[each.pk])
        name = format_html('<a href="{}">{}</a>', address, each.jti[:10])
    return format_html(
        '<li{}>{} <code>{}</code> {}<br><span class="quiet">{} {}, {}</span></li>',
        "" if each.pk != shown.pk else SafeString(' class="shown" aria-current="true"'),
        _("First key") if each.sequence == 0 else _("Renewal {number}").format(number=each.sequence),
        name,
        state_badge(str(state_of(each, now))),
        _("made"),
        moment(each.created_at, seconds=True),
        used,
    )
