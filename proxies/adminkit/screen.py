"""The one kind of screen: it only shows; whatever changes anything is an act.

An act is one button: a small form, one core function, one answer. It runs outside the admin's transaction, so that a
refusal keeps what the core wants kept, and a refusal is a message on the form with what was typed still there.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from proxies.adminkit.acts import Act, Secret, impact_of, refusals
from proxies.adminkit.display import NOTHING, Column, columns
from proxies.adminkit.finding import Words
from proxies.adminkit.lists import BoundedPaginator, PortalChangeList, find_in
from proxies.adminkit.tabs import Tab, chosen_tab
from proxies.sentences import translated

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class PortalAdmin(admin.ModelAdmin):
    """A screen that only shows; whatever changes anything is an act. Nothing is ever deleted here."""

    acts: tuple[Act, ...] = ()
    tabs: tuple[Tab, ...] = ()
    add_act: Act | None = None
    # Where the sidebar lists it (proxies/adminkit/site.py), and with which sign (proxies/adminkit/icons.py).
    section = "System"
    place = 50
    icon = "dot"
    # Columns that a phone leaves out, and what an empty list says to do next.
    minor: tuple[str, ...] = ()
    empty_hint: "StrOrPromise" = ""
    # Searches of big tables: by what an index answers, the first that knows the term. Empty: search_fields.
    find_exact: tuple[str, ...] = ()
    find_prefix: tuple[str, ...] = ()
    # How the search box of every page finds its rows; None: not at all.
    words: Words | None = None
    actions: Any = None
    paginator = BoundedPaginator
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    list_per_page = 50
    change_form_template = "admin/portal_change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.add_act is not None and self._may(request, self.add_act)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _may(self, request: HttpRequest, act: Act) -> bool:
        named = act.permission if "." in act.permission else f"{self.opts.app_label}.{act.permission}"
        return request.user.has_perm(named)

    def allowed_acts(self, request: HttpRequest) -> frozenset[str]:
        """The acts that this person may do here; each row of a list knows them as `acts_allowed`."""
        return frozenset(act.name for act in self.acts if self._may(request, act))

    def get_list_display(self, request: HttpRequest) -> tuple[Column, ...]:
        return columns(self.model, super().get_list_display(request), own=type(self))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PortalChangeList]:
        return PortalChangeList

    def prepare_rows(self, rows: Sequence[Any]) -> None:
        """Add to the rows of a page, or to the one thing of a page, what its columns need: all of them at once."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            self.prepare_rows([found])
            found.acts_allowed = self.allowed_acts(request)
        return found

    def get_sortable_by(self, request: HttpRequest) -> tuple[Column, ...]:
        return columns(self.model, super().get_sortable_by(request), own=type(self))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            (title, {**options, "fields": columns(self.model, options["fields"], own=type(self))})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.find_exact, *self.find_prefix) or tuple(super().get_search_fields(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not (self.find_exact or self.find_prefix):
            return super().get_search_results(request, queryset, term)
        return (find_in(queryset, term, self.find_exact, self.find_prefix) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        context = {"title": title, "section": _(self.section), "screen": self, **(extra_context or {})}
        return super().changelist_view(request, context)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        view = self.admin_site.admin_view(self.act_view)
        return [path("<path:object_id>/act/<slug:act_name>/", view, name=name), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if self.add_act is None or not self._may(request, self.add_act):
            raise PermissionDenied
        return self._run(request, self.add_act, None)

    def act_view(self, request: HttpRequest, object_id: str, act_name: str) -> HttpResponse:
        """GET shows the form and what would die, POST acts."""
        act = next((act for act in self.acts if act.name == act_name), None)
        subject = self.get_object(request, object_id)
        if act is None or subject is None or not self._may(request, act):
            raise PermissionDenied
        if not self.has_view_permission(request, subject):
            raise PermissionDenied  # the page shows what it is about
        if act.possible is not None and not act.possible(subject):
            messages.warning(request, _("“{act}” is not possible in the present state.").format(act=act.label))
            return HttpResponseRedirect(self._detail(subject))
        return self._run(request, act, subject)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        subject = self.get_object(request, object_id)
        context = {"section": _(self.section), "title": capfirst(self.opts.verbose_name), **(extra_context or {})}
        context["acts"] = self._buttons(request, subject) if subject else []
        if subject is not None and self.tabs and self.has_view_permission(request, subject):
            context |= self._tabbed(request, subject)
        return super().change_view(request, object_id, form_url, context)

    def _tabbed(self, request: HttpRequest, subject: Model) -> dict[str, Any]:
        """The tabs that this person may see, the one that the address names, and its tables."""
        tab = chosen_tab(request, self.tabs)
        allowed = [each for each in self.tabs if each.allowed(request)]
        return {"page_tabs": allowed, "page_tab": tab, "page_tables": tab.tables(request, subject) if tab else ()}

    def _buttons(self, request: HttpRequest, subject: Model) -> list[dict[str, Any]]:
        return [
            {"url": act_url(subject, act.name), "label": act.label, "dangerous": act.dangerous}
            for act in self.acts
            if self._may(request, act) and (act.possible is None or act.possible(subject))
        ]

    def _detail(self, subject: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[subject.pk])

    def _form(self, request: HttpRequest, act: Act, subject: Model | None) -> forms.Form:
        initial = act.initial(subject) if act.initial and subject is not None else {}
        initial |= act.suggested(request.GET) if act.suggested else {}
        form = act.form(request.POST if request.method == "POST" else None, initial=initial)
        if act.dangerous:
            form.fields["typed_name"] = forms.CharField(
                label=_("Type “{name}” to confirm").format(name=subject),
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
            )
        return form

    def _run(self, request: HttpRequest, act: Act, subject: Model | None) -> HttpResponse:
        form = self._form(request, act, subject)
        if request.method == "POST" and "preview" not in request.POST and form.is_valid():
            values = dict(form.cleaned_data)
            if act.dangerous and values.pop("typed_name") != str(subject):
                form.add_error("typed_name", _("This is not the exact name."))
            else:
                answer = self._attempt(request, act, subject, form, values)
                if answer is not None:
                    return answer
        return self._page(request, act, subject, form)

    def _attempt(
        self, request: HttpRequest, act: Act, subject: Model | None, form: forms.Form, values: dict[str, Any]
    ) -> HttpResponse | None:
        try:
            done = act.run(request, subject, values)
        except refusals() as refusal:
            form.add_error(None, translated(refusal))
            return None
        if isinstance(done, Secret):
            return self._shown_once(request, act, done)
        messages.success(request, done)
        listing = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return HttpResponseRedirect(listing if subject is None else self._detail(subject))

    def _context(self, request: HttpRequest, act: Act, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "act": act,
            "title": title,
            "section": _(self.section),
            "media": self.media,
        }

    def _page(self, request: HttpRequest, act: Act, subject: Model | None, form: forms.Form) -> HttpResponse:
        context = self._context(request, act, f"{act.label}: {subject}" if subject else str(act.label))
        context |= {"form": form, "subject": subject, "back": self._detail(subject) if subject else None}
        context["impact"] = impact_of(subject, act.name) if act.dangerous and subject is not None else []
        response = TemplateResponse(request, act.template, context)
        add_never_cache_headers(response)
        return response

    def _shown_once(self, request: HttpRequest, act: Act, secret: Secret) -> HttpResponse:
        """The only page a secret is ever on; it is not stored in message, session or redirect (I5)."""
        context = self._context(request, act, secret.title)
        context |= {
            "values": secret.values,
            "back": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
        }
        response = TemplateResponse(request, "admin/shown_once.html", context)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        return response


def add_acts(model: type[Model], *acts: Act) -> None:
    """Let a floor above put a button on a screen of a floor below, which knows nothing of it. Once is enough."""
    screen = admin.site.get_model_admin(model)
    assert isinstance(screen, PortalAdmin)
    known = {act.name for act in screen.acts}
    screen.acts = (*screen.acts, *(act for act in acts if act.name not in known))


def add_tabs(model: type[Model], *tabs: Tab) -> None:
    """Let a floor above add tabs to a page of a floor below. Once is enough."""
    screen = admin.site.get_model_admin(model)
    assert isinstance(screen, PortalAdmin)
    known = {tab.name for tab in screen.tabs}
    screen.tabs = (*screen.tabs, *(tab for tab in tabs if tab.name not in known))


def act_url(subject: Model, name: str) -> str:
    """The address of an act's page."""
    opts = subject._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_act", args=[subject.pk, name])


def act_link(subject: Model, name: str, label: str) -> SafeString | str:
    """A link to an act's page, for a list's column; nothing for whoever may not do it."""
    if name not in getattr(subject, "acts_allowed", (name,)):
        return NOTHING
    return format_html('<a class="act-link" href="{}">{}</a>', act_url(subject, name), label)
