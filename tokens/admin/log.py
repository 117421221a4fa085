"""The permanent request log: to read and to export, never to change (D24, F0)."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies.adminkit import PeriodFilter, PortalAdmin, actor, copyable, moment, state_badge
from proxies.adminkit.lists import MOST, PortalChangeList
from tokens import log_export, log_windows
from tokens.admin import log_filters
from tokens.models import IssuedToken, TokenFamily, TokenRequestLog

TIMES = ("issued", "expires", "refresh_issued", "refresh_expires", "refresh_sequence")
EXPORT = "tokens.export_tokenrequestlog"


class LogChangeList(PortalChangeList):
    """What is rare is looked for in the hours that the hourly sums name."""

    def narrowed_for_page(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        kinds: dict[str, str] = {}
        period: Any = None
        for spec in self.filter_specs:
            if isinstance(spec, log_filters.KindFilter):
                kinds |= spec.kinds()
            elif isinstance(spec, PeriodFilter):
                period = spec
            elif isinstance(spec, admin.ChoicesFieldListFilter) and spec.lookup_val:
                kinds[str(spec.field_path)] = spec.lookup_val[-1]
        found = log_windows.where(kinds, most=MOST, since=period and period.since, until=period and period.until)
        return queryset if found is None else queryset.filter(found)


@admin.register(TokenRequestLog)
class TokenRequestLogAdmin(PortalAdmin):
    """Every token request, granted or refused."""

    section, place, icon = "Log", 10, "log"
    minor = (
        "username",
        "token_format",
        "scopes",
        "issued",
        "refresh_expires",
        "refresh_sequence",
        "duration",
        "address",
    )
    empty_hint = gettext_lazy("Every request for a token leaves a row here, for ever. None has come yet.")
    change_list_template = "admin/tokens/tokenrequestlog/change_list.html"
    list_display = (
        "when",
        "request",
        "why",
        "group",
        "proxy",
        "token_format",
        "client",
        "person",
        "scopes",
        "issued",
        "expires",
        "refresh_issued",
        "refresh_expires",
        "refresh_sequence",
        "status",
        "duration",
        "environment",
        "address",
    )
    sortable_by = ("when",)
    list_filter = (
        ("at", PeriodFilter),
        "action",
        "outcome",
        log_filters.ReasonFilter,
        log_filters.EnvironmentFilter,
        log_filters.ProxyFilter,
        log_filters.GroupFilter,
        log_filters.ClientFilter,
        log_filters.PersonFilter,
        log_filters.StatusAboveFilter,
        log_filters.StatusBelowFilter,
    )
    find_exact = ("client_id", "jti")
    find_prefix = ("jti",)
    search_help_text = gettext_lazy("Client id, or the start of a JTI. Never a token")
    ordering = ("-id",)
    fieldsets = (
        (gettext_lazy("Request"), {"fields": ("when", "request", "why", "status", "duration", "request_id")}),
        (
            gettext_lazy("Who asked"),
            {"fields": ("client", "client_whole", "username", "actor", "address", "user_agent")},
        ),
        (gettext_lazy("For what"), {"fields": ("environment", "proxy", "group", "audience", "token_format", "scopes")}),
        (gettext_lazy("What was handed out"), {"fields": ("token", "family", "mark", *TIMES)}),
    )
    readonly_fields = (
        "when",
        "request",
        "why",
        "duration",
        "client",
        "client_whole",
        "token",
        "family",
        "mark",
        *TIMES,
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PortalChangeList]:
        return LogChangeList

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export.<slug:kind>", view, name="tokens_tokenrequestlog_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        may = request.user.has_perm(EXPORT) and self.has_view_permission(request)
        query = request.GET.copy()
        query.pop("p", None)
        links = [
            (kind.upper(), f"{reverse('admin:tokens_tokenrequestlog_export', args=[kind])}?{query.urlencode()}")
            for kind in log_export.FORMATS
        ]
        return super().changelist_view(request, {"exports": links if may else [], **(extra_context or {})})

    def export_view(self, request: HttpRequest, kind: str) -> StreamingHttpResponse:
        """All rows that the filters of the list choose, streamed. Who exported what is kept in the history."""
        if not (request.user.has_perm(EXPORT) and self.has_view_permission(request)):
            raise PermissionDenied
        if kind not in log_export.FORMATS:
            raise Http404
        chosen = self.get_changelist_instance(request).get_queryset(request)
        lines, content_type = log_export.FORMATS[kind]
        now = timezone.now()
        person: Any = request.user
        log_export.record(person, by=actor(request), chosen=request.GET.urlencode(), at=now)
        name = f"token-requests-{now:%Y%m%d-%H%M%S}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines(chosen), content_type=content_type, headers=headers)

    @admin.display(description=gettext_lazy("Time"), ordering="id")
    def when(self, row: TokenRequestLog) -> SafeString | str:
        return moment(row.at, seconds=True)

    @admin.display(description=gettext_lazy("Request"))
    def request(self, row: TokenRequestLog) -> SafeString:
        return format_html("{} {}", state_badge(row.outcome), row.get_action_display())

    @admin.display(description=gettext_lazy("Reason"))
    def why(self, row: TokenRequestLog) -> str:
        return row.reason or "-"

    @admin.display(description=gettext_lazy("Client"))
    def client(self, row: TokenRequestLog) -> SafeString | str:
        return format_html('<span title="{}">{}</span>', row.client_id, row.client_name or row.client_id or "-")

    @admin.display(description=gettext_lazy("Client id"))
    def client_whole(self, row: TokenRequestLog) -> SafeString | str:
        return copyable(row.client_id, shown=100)

    @admin.display(description=gettext_lazy("User"))
    def person(self, row: TokenRequestLog) -> str:
        return row.username or row.actor or "-"

    @admin.display(description=gettext_lazy("Issued"))
    def issued(self, row: TokenRequestLog) -> SafeString | str:
        return moment(row.issued_at)

    @admin.display(description=gettext_lazy("Expires"))
    def expires(self, row: TokenRequestLog) -> SafeString | str:
        return moment(row.expires_at)

    @admin.display(description=gettext_lazy("Refresh token issued"))
    def refresh_issued(self, row: TokenRequestLog) -> SafeString | str:
        return moment(row.issued_at if row.refresh_expires_at else None)

    @admin.display(description=gettext_lazy("Refresh token expires"))
    def refresh_expires(self, row: TokenRequestLog) -> SafeString | str:
        return moment(row.refresh_expires_at)

    @admin.display(description=gettext_lazy("Total time"))
    def duration(self, row: TokenRequestLog) -> str:
        return "-" if row.duration_ms is None else f"{row.duration_ms:.1f} ms"

    @admin.display(description=gettext_lazy("JTI"))
    def token(self, row: TokenRequestLog) -> SafeString | str:
        """With a link to its record, as long as there is one."""
        kept = IssuedToken.objects.filter(jti=row.jti).values_list("pk", flat=True).first() if row.jti else None
        if kept is None:
            return copyable(row.jti, shown=64)
        url = reverse("admin:tokens_issuedtoken_change", args=[kept])
        return format_html('{} <a href="{}">{}</a>', copyable(row.jti, shown=64), url, _("Open the token"))

    @admin.display(description=gettext_lazy("Family"))
    def family(self, row: TokenRequestLog) -> SafeString | str:
        if row.family_id is None:
            return "-"
        if not TokenFamily.objects.filter(pk=row.family_id).exists():
            return str(row.family_id)
        url = reverse("admin:tokens_tokenfamily_change", args=[row.family_id])
        return format_html('<a href="{}">{}</a>', url, _("family {number}").format(number=row.family_id))

    @admin.display(description=gettext_lazy("Fingerprint"))
    def mark(self, row: TokenRequestLog) -> SafeString | str:
        return copyable(row.fingerprint, shown=16)
