"""Template tags of the admin: {% load portal %}."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import template
from django.contrib.admin.templatetags.admin_list import result_headers, result_hidden_fields, results
from django.template.defaultfilters import capfirst
from django.utils.html import escape
from django.utils.safestring import SafeString

from proxies.adminkit import display, icons
from proxies.sentences import translated

register = template.Library()
register.simple_tag(icons.icon, name="icon")
register.filter("state_badge", display.state_badge)
register.filter("translated", translated)
register.simple_tag(display.badge, name="badge")
register.simple_tag(display.copyable, name="copyable")


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A time in the viewer's zone."""
    return display.moment(at)


@register.filter
def ago(at: datetime | None) -> SafeString | str:
    """A time as a distance from now."""
    return display.moment(at, relative=True)


@register.filter
def thousands(number: int) -> str:
    """With a separator, so that millions can be read."""
    return f"{number:,}"


@register.filter
def is_here(entry: dict[str, Any], path: str) -> bool:
    """Whether an entry of the sidebar is where the viewer is."""
    url = str(entry["admin_url"] or "")
    return path == url if entry.get("exact") else bool(url) and path.startswith(url)


@register.inclusion_tag("admin/change_list_results.html")
def portal_results(cl: Any) -> dict[str, Any]:
    """The rows of a list; each cell knows its heading and whether a phone may leave it out."""
    headers = list(result_headers(cl))
    minor = getattr(cl.model_admin, "minor", ())
    names = [each if isinstance(each, str) else each.__name__ for each in cl.list_display]
    first = next((at for at, name in enumerate(names) if name != "action_checkbox"), 0)
    marks = [
        _mark(header["text"], minor=name in minor, first=at == first)
        for at, (header, name) in enumerate(zip(headers, names, strict=True))
    ]
    return {
        "cl": cl,
        "result_headers": headers,
        "result_hidden_fields": list(result_hidden_fields(cl)),
        "results": [[_marked(cell, mark) for cell, mark in zip(row, marks, strict=False)] for row in results(cl)],
    }


def _mark(heading: Any, *, minor: bool, first: bool) -> str:
    label = "" if "<" in str(heading) else escape(capfirst(heading))
    return f' data-label="{label}"' + " data-minor" * minor + " data-first" * first


def _marked(cell: str, mark: str) -> SafeString:
    """The admin makes `<td class=...>` or `<th class=...>`; the mark is put behind its name."""
    return SafeString(f"{cell[:3]}{mark}{cell[3:]}")


@register.simple_tag
def chosen_filters(cl: Any) -> list[dict[str, Any]]:
    """What narrows the list now: title, choice, and the address without it."""
    return list(_chosen(cl))


def _chosen(cl: Any) -> Iterator[dict[str, Any]]:
    for spec in cl.filter_specs:
        choices = list(spec.choices(cl))
        for choice in choices[1:]:  # the first is always: all of them
            if choice["selected"]:
                yield {"title": spec.title, "choice": choice["display"], "without": choices[0]["query_string"]}
