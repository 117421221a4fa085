"""The signs of the sidebar and of buttons: outlines on a field of 24, drawn in the colour of the text."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

ICONS = {
    "dot": "M12 13.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
    "dashboard": "M4 4h7v9H4z M13 4h7v5h-7z M13 11h7v9h-7z M4 15h7v5H4z",
    "search": "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z M15.5 15.5 20 20",
    "proxy": "M8 8h8v8H8z M3 12h5 M16 12h5 M12 3v5 M12 16v5",
    "group": "M12 4l8 4-8 4-8-4z M4 12l8 4 8-4 M4 16l8 4 8-4",
    "environment": "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16z M4 12h16 M12 4c3 2.5 3 13.5 0 16 M12 4c-3 2.5-3 13.5 0 16",
    "deployment": "M12 15V4 M7.5 8.5 12 4l4.5 4.5 M5 15v4h14v-4",
    "credential": "M3.5 6h17v12h-17z M9 13a2 2 0 1 0 0-4 2 2 0 0 0 0 4z M14 10h4 M14 14h4 M6 16c1-2 5-2 6 0",
    "connection": "M9.5 7.5H8a4.5 4.5 0 0 0 0 9h1.5 M14.5 7.5H16a4.5 4.5 0 0 1 0 9h-1.5 M8.5 12h7",
    "grant": "M12 3.5l7 2.5v5.5c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9V6z M9 12l2.2 2.2L15.2 10",
    "token": "M8.5 19a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z M11.8 11.2 20 4 M16.5 7l2.5 3",
    "family": "M7 4v10 M7 20a3 3 0 1 0 0-6 3 3 0 0 0 0 6z M17 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6z M17 10c0 5-4 7-7 7",
    "refresh": "M19.5 12a7.5 7.5 0 0 1-13.4 4.6 M4.5 12a7.5 7.5 0 0 1 13.4-4.6 M18 3.5v4h-4 M6 20.5v-4h4",
    "policy": "M4 7h9 M17 7h3 M15 9.2V4.8 M4 12h3 M11 12h9 M9 14.2V9.8 M4 17h9 M17 17h3 M15 19.2v-4.4",
    "signing": "M6 11h12v9H6z M8.5 11V8a3.5 3.5 0 0 1 7 0v3 M12 14.5v2",
    "log": "M8 6h12 M8 12h12 M8 18h12 M4 6h.01 M4 12h.01 M4 18h.01",
    "history": "M12 20a8 8 0 1 0-7.4-5 M4 20v-5h5 M12 8v4l3 2",
    "limit": "M4.5 17a8 8 0 1 1 15 0 M12 16l4-5",
    "user": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z M4.5 20c.8-4 4-5 7.5-5s6.7 1 7.5 5",
    "users": (
        "M9 12a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z M3 19.5c.5-3.5 3-4.5 6-4.5s5.5 1 6"
        " 4.5 M16 5.5a3.5 3.5 0 0 1 0 6.5 M18 15.2c1.7.6 2.7 2 3 4.3"
    ),
    "job": "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16z M10 9l5 3-5 3z",
    "menu": "M4 6.5h16 M4 12h16 M4 17.5h16",
    "panel": "M4 5h16v14H4z M9.5 5v14",
    "filter": "M4 7h16 M7 12h10 M10 17h4",
    "plus": "M12 5v14 M5 12h14",
    "close": "M6 6l12 12 M18 6 6 18",
    "download": "M12 4v11 M7.5 10.5 12 15l4.5-4.5 M5 19.5h14",
    "key": "M8 16.5a4.5 4.5 0 1 1 4.2-6H20.5v3.5H18v2.5h-3.5V14h-2.3A4.5 4.5 0 0 1 8 16.5z M8 12h.01",
    "alert": "M12 4 2.8 19.5h18.4z M12 10v4 M12 16.8h.01",
    "logout": "M14 4H5v16h9 M10 12h10 M16.5 8.5 20 12l-3.5 3.5",
    "question": "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16z M9.8 10a2.2 2.2 0 1 1 3.3 1.9c-.8.5-1.1.9-1.1 1.6 M12 16.3h.01",
}


def icon(name: str) -> SafeString:
    """An inline picture, which the policy allows and a screen reader skips."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>',
        ICONS.get(name, ICONS["dot"]),
    )
