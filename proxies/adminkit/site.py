"""The admin site: its first page is the dashboard, and its sidebar has the sections that people think in."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from proxies.adminkit.finding import find_anything, may_be_secret
from proxies.adminkit.pages import AdminPage, MoreToProve, front_page, pages

# In the order of the sidebar. A screen names its section; one that is not listed here comes last.
SECTIONS = (gettext_noop("Overview"), gettext_noop("APIs"), gettext_noop("Clients"), gettext_noop("Tokens"),
            gettext_noop("Setup > Integrations"), gettext_noop("Log"), gettext_noop("People"), gettext_noop("System"),
            gettext_noop("Your account"))  # fmt: skip
# As long as the longest token.
LONGEST_TERM = 16_384
# Screens that are not ours.
ELSEWHERE: dict[str, tuple[str, int, str]] = {}


class PortalSite(AdminSite):
    """Django's admin site with our sections, pages, first page and sidebar (templates/admin/_sidebar.html)."""

    site_header = site_title = "Latchkey"
    index_title = gettext_lazy("Dashboard")
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [path(page.path, self._view_of(page), name=page.name) for page in pages()]
        find = path("find/", self.admin_view(self.find_view), name="find")
        return [find, *own, *super().get_urls()]

    def _view_of(self, page: AdminPage) -> Any:
        return never_cache(page.view) if page.for_strangers else self.admin_view(_guarded(page))

    # `login_not_required` as the method that this one replaces has it.
    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The password, and for whom that is not enough the way to the next step."""
        try:
            return super().login(request, extra_context)
        except MoreToProve as asked:
            return asked.answer

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        return super().index(request, {"section": _("Overview"), **front_page(request), **(extra_context or {})})

    @method_decorator(sensitive_post_parameters())
    def find_view(self, request: HttpRequest) -> HttpResponse:
        """The box alone, and by POST what was found; the page of what was found alone."""
        term = request.POST.get("q", "").strip()[:LONGEST_TERM]
        sections = self.get_app_list(request)
        groups, too_long = find_anything(request, self._registry.values(), sections, term) if term else ([], False)
        rows = [row for group in groups for row in group.rows]
        if len(rows) == 1 and not too_long:
            return HttpResponseRedirect(rows[0].url)
        context = {
            **self.each_context(request),
            "title": _("Find anything"),
            "section": _("Overview"),
            "term": "" if may_be_secret(term) else term,
            "asked": bool(term),
            "groups": groups,
            "count": len(rows),
            "too_long": too_long,
        }
        answer = TemplateResponse(request, "admin/find.html", context)
        add_never_cache_headers(answer)
        return answer

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Sections in place of applications; the page of one application stays Django's."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        entries = [self._front_entry(request)]
        entries += [_entry(page, reverse(f"admin:{page.name}")) for page in pages() if _listed(page, request)]
        for app in self._build_app_dict(request).values():
            entries += [self._screen_entry(each) for each in app["models"]]
        return _sections(entries)

    def _front_entry(self, request: HttpRequest) -> dict[str, Any]:
        front = AdminPage("dashboard", _("Dashboard"), "", self.index, "Overview", "dashboard", 0)
        return _entry(front, reverse("admin:index", current_app=self.name)) | {"exact": True}

    def _screen_entry(self, found: dict[str, Any]) -> dict[str, Any]:
        screen = self._registry[found["model"]]
        section, place, icon = ELSEWHERE.get(
            found["model"]._meta.label,
            (getattr(screen, "section", "System"), getattr(screen, "place", 50), getattr(screen, "icon", "dot")),
        )
        return {**found, "section": section, "place": place, "icon": icon}


def _guarded(page: AdminPage) -> Any:
    def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not page.allowed(request):
            raise PermissionDenied
        return page.view(request, **kwargs)

    return view


def _listed(page: AdminPage, request: HttpRequest) -> bool:
    return not page.for_strangers and page.allowed(request)


def _entry(page: AdminPage, url: str) -> dict[str, Any]:
    return {
        "name": str(page.label),
        "object_name": page.name,
        "admin_url": url,
        "add_url": None,
        "view_only": True,
        "perms": {},
        "section": page.section,
        "place": page.place,
        "icon": page.icon,
    }


def _sections(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    names = sorted({each["section"] for each in entries}, key=lambda name: (_rank(name), name))
    return [
        {
            "name": _(name),
            "app_label": slugify(name),
            "app_url": "",
            "has_module_perms": True,
            "models": sorted(
                (each for each in entries if each["section"] == name), key=lambda each: (each["place"], each["name"])
            ),
        }
        for name in names
    ]


def _rank(section: str) -> int:
    return SECTIONS.index(section) if section in SECTIONS else len(SECTIONS)
