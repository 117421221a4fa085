"""Setup > Integrations > JWT Refresh Keys: the refresh keys of people, made, found and ended (S2.9-S2.21, D30)."""

import json
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies.adminkit import (
    Act,
    ExpiryFilter,
    PeriodFilter,
    PortalAdmin,
    Secret,
    TextFilter,
    Words,
    act_link,
    actor,
    copyable,
    moment,
    state_badge,
)
from proxies.adminkit.lists import starting_with
from proxies.sentences import translated
from tokens import lifecycle
from tokens.admin.asking import BecauseForm, asked
from tokens.admin.bulk_revocation import KEYS, RevokesMany, revoke_selected
from tokens.admin.find_token import FindByToken
from tokens.admin.lifetime_field import LifetimeField
from tokens.admin.timeline import timeline
from tokens.audiences import suggestions
from tokens.models import JwtRefreshKey, TokenFamily
from tokens.querysets import families_of, in_state, state_of
from tokens.session_rules import KeyState

_CONTENT_SHOWN = 28
_HEXADECIMAL = frozenset("0123456789abcdef")


class AudienceInput(forms.TextInput):
    """A field to type into that offers the portal's API, proxies and groups; other text is allowed (D30)."""

    template_name = "tokens/widgets/audience.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, {**(attrs or {}), "list": f"{name}-suggestions"})
        return {**context, "suggestions": suggestions()}


class NewKeyForm(forms.Form):
    """Exactly two fields: what the key is for, and how long it lives (S2.11)."""

    audience = forms.CharField(
        max_length=255,
        widget=AudienceInput,
        help_text=gettext_lazy("The portal's API, an API proxy, a group, or any name of yours."),
        label=gettext_lazy("Audience"),
    )
    lifetime = LifetimeField()


def _mint(request: HttpRequest, subject: None, values: dict[str, Any]) -> Secret:
    made = lifecycle.mint(
        request.user,  # type: ignore[arg-type]  # who may open this page is a user of ours
        audience=values["audience"],
        lifetime=values["lifetime"],
        request=asked(request),
    )
    return Secret(_("Your new JWT refresh key"), ((_("Refresh key"), made.refresh), (_("JTI"), made.jti)))


def _revoke_key(request: HttpRequest, subject: JwtRefreshKey, values: dict[str, Any]) -> str:
    done = lifecycle.revoke_key(subject, by=actor(request), because=values["because"], request=asked(request))
    return (
        _("{subject} is revoked. Access tokens in use live to their end.").format(subject=subject)
        if done
        else _("{subject} was revoked before.").format(subject=subject)
    )


def _revoke_family(request: HttpRequest, subject: JwtRefreshKey, values: dict[str, Any]) -> str:
    done = lifecycle.revoke_family(subject.family, by=actor(request), because=values["because"], request=asked(request))
    return (
        _("{subject} is revoked with all its tokens.").format(subject=subject)
        if done
        else _("{subject} was revoked before.").format(subject=subject)
    )


def _is_live(key: JwtRefreshKey) -> bool:
    return state_of(key, timezone.now()) is KeyState.LIVE


def _of_hash(term: str) -> Q:
    """Up to what is after every hexadecimal digit: a range that the one index of the column answers."""
    return Q(token_hash__gte=term, token_hash__lt=f"{term}g") if _HEXADECIMAL.issuperset(term) else Q(pk=None)


def _ways(term: str) -> list[Q]:
    """Families first, by subquery: their indexes know audience and person, the keys' own only the rest."""
    return [
        Q(family__in=TokenFamily.objects.filter(user__isnull=False, audience=term)),
        Q(family__in=families_of(term)),
        ~Q(device_id="") & Q(device_id=term),
        starting_with("jti", term),
        _of_hash(term),
    ]


class StatusFilter(admin.SimpleListFilter):
    """What a key is at a glance."""

    title, parameter_name = gettext_lazy("status"), "status"

    @property
    def ordering(self) -> tuple[str, ...]:
        """Along the index of what is asked for: the last to expire first."""
        return ("-expires_at",) if self.value() == KeyState.EXPIRED else ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(state), capfirst(translated(str(state)))) for state in KeyState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JwtRefreshKey]) -> QuerySet[JwtRefreshKey]:
        chosen = self.value()
        return in_state(queryset, KeyState(chosen), timezone.now()) if chosen in set(KeyState) else queryset


class UseFilter(admin.SimpleListFilter):
    """Keys that nobody needs any more."""

    title, parameter_name = gettext_lazy("last use"), "use"
    days = {"30": 30, "90": 90}

    @property
    def ordering(self) -> tuple[str, ...]:
        """Along the index of last uses."""
        return ("-last_used_at",) if self.value() in self.days else ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("never", _("Never used")), ("30", _("Unused for 30 days")), ("90", _("Unused for 90 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JwtRefreshKey]) -> QuerySet[JwtRefreshKey]:
        chosen = self.value()
        if chosen == "never":
            return queryset.filter(last_used_at=None)
        if chosen in self.days:
            return queryset.filter(last_used_at__lt=timezone.now() - timedelta(days=self.days[chosen]))
        return queryset


class AudienceFilter(TextFilter):
    """For what, exactly."""

    title, parameter_name, lookup = gettext_lazy("audience"), "audience", "family__audience"
    placeholder = "https://api.example.com/orders"


class OwnerFilter(TextFilter):
    """Whose."""

    title, parameter_name = gettext_lazy("owner"), "owner"
    placeholder = gettext_lazy("user name")

    def narrowed(self, queryset: QuerySet[JwtRefreshKey], value: str) -> QuerySet[JwtRefreshKey]:
        return queryset.filter(family__in=families_of(value))


@admin.register(JwtRefreshKey)
class JwtRefreshKeyAdmin(RevokesMany, FindByToken, PortalAdmin):
    """JWT refresh keys."""

    section, place, icon = "Setup > Integrations", 10, "refresh"
    minor = ("created", "content_short", "hash_short", "device")
    empty_hint = gettext_lazy(
        "A refresh key gets access tokens without a password. Logins make them, and “Add” makes one for a program."
    )
    list_display = (
        "audience",
        "status",
        "expires",
        "created",
        "revoked",
        "last_used",
        "content_short",
        "hash_short",
        "jti_short",
        "device",
    )
    list_display_links = ("audience",)
    list_filter = (
        StatusFilter,
        AudienceFilter,
        OwnerFilter,
        UseFilter,
        ("expires_at", ExpiryFilter),
        ("created_at", PeriodFilter),
    )
    list_select_related = ("family__user", "family__signing_key")
    words = Words(prefix=("jti",), detail="family.audience")
    search_fields = ("jti",)  # shows the field; what is searched, get_search_results says
    sortable_by = ("created",)
    search_help_text = gettext_lazy(
        "Audience, user, device id, or the first letters of a JTI or hash. Never a token: use “Find by token”."
    )
    ordering = ("-id",)
    actions = (revoke_selected,)
    how_to_revoke = KEYS
    add_act = Act("add", gettext_lazy("Add JWT refresh key"), _mint, "add_jwtrefreshkey", NewKeyForm)
    acts = (
        Act(
            "revoke",
            gettext_lazy("Revoke family"),
            _revoke_family,
            "change_jwtrefreshkey",
            BecauseForm,
            help=gettext_lazy(
                "The key, its successors and every access token they got end at once. This cannot be undone."
            ),
            possible=lambda subject: subject.family.revoked_at is None,
        ),
        Act(
            "revoke-key",
            gettext_lazy("Revoke key"),
            _revoke_key,
            "change_jwtrefreshkey",
            BecauseForm,
            help=gettext_lazy(
                "The key gets nothing any more. Access tokens in use live to their end, half an hour by default."
            ),
            possible=_is_live,
        ),
    )

    class Media:
        css = {"all": ["tokens/refresh_keys.css"]}

    fieldsets = (
        (None, {"fields": ("audience", "status", "owner", "kind", "refreshable")}),
        (gettext_lazy("When"), {"fields": ("created", "expires", "last_used", "revoked", "revoked_why")}),
        (gettext_lazy("Which"), {"fields": ("jti_whole", "hash_whole", "device_whole", "content_whole")}),
        (gettext_lazy("The family, one key after the other"), {"fields": ("generations",)}),
    )
    readonly_fields = (
        "audience",
        "status",
        "owner",
        "kind",
        "expires",
        "created",
        "last_used",
        "revoked",
        "revoked_why",
        "jti_whole",
        "hash_whole",
        "device_whole",
        "content_whole",
        "generations",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[JwtRefreshKey]:
        return super().get_queryset(request).filter(signing_key__isnull=False, family__user__isnull=False)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[JwtRefreshKey], search_term: str
    ) -> tuple[QuerySet[JwtRefreshKey], bool]:
        """By the first way that knows the term; each is one probe of an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        for way in _ways(term):
            if JwtRefreshKey.objects.filter(way, signing_key__isnull=False).exists():
                return queryset.filter(way), False
        return queryset.none(), False

    @admin.display(description=gettext_lazy("Audience"))
    def audience(self, key: JwtRefreshKey) -> str:
        return key.family.audience

    @admin.display(description=gettext_lazy("Status"))
    def status(self, key: JwtRefreshKey) -> SafeString:
        return state_badge(str(state_of(key, timezone.now())))

    @admin.display(description=gettext_lazy("Owner"))
    def owner(self, key: JwtRefreshKey) -> str:
        return str(key.family.user)

    @admin.display(description=gettext_lazy("Made by"))
    def kind(self, key: JwtRefreshKey) -> str:
        return key.family.get_kind_display()

    @admin.display(description=gettext_lazy("Expires At"), ordering="expires_at")
    def expires(self, key: JwtRefreshKey) -> SafeString | str:
        return moment(key.expires_at)

    @admin.display(description=gettext_lazy("Created At"), ordering="id")
    def created(self, key: JwtRefreshKey) -> SafeString | str:
        return moment(key.created_at)

    @admin.display(description=gettext_lazy("Revoked At"))
    def revoked(self, key: JwtRefreshKey) -> SafeString | str:
        """When, or the button while the key is live, as the documents show it (D30)."""
        at = key.revoked_at or key.family.revoked_at
        if at is None and _is_live(key):
            return act_link(key, "revoke", _("Revoke"))
        return moment(at)

    @admin.display(description=gettext_lazy("Revoked by"))
    def revoked_why(self, key: JwtRefreshKey) -> str:
        by, because = (
            (key.revoked_by, key.revoked_because)
            if key.revoked_at
            else (key.family.revoked_by, key.family.revoked_because)
        )
        return ": ".join(part for part in (by, because) if part) or "-"

    @admin.display(description=gettext_lazy("Last Used"), ordering="last_used_at")
    def last_used(self, key: JwtRefreshKey) -> SafeString | str:
        return moment(key.last_used_at, relative=True)

    @admin.display(description=gettext_lazy("Content"))
    def content_short(self, key: JwtRefreshKey) -> SafeString:
        whole = json.dumps(_email_first(key.content or {}), ensure_ascii=False)
        short = whole if len(whole) <= _CONTENT_SHOWN else f"{whole[:_CONTENT_SHOWN]}…"
        return format_html('<code title="{}">{}</code>', whole, short)

    @admin.display(description=gettext_lazy("Content"))
    def content_whole(self, key: JwtRefreshKey) -> SafeString:
        return format_html(
            '<pre class="json">{}</pre>', json.dumps(_email_first(key.content or {}), indent=2, ensure_ascii=False)
        )

    @admin.display(description=gettext_lazy("Token Hash"))
    def hash_short(self, key: JwtRefreshKey) -> SafeString | str:
        return copyable(key.token_hash, shown=8)

    @admin.display(description=gettext_lazy("Token Hash"))
    def hash_whole(self, key: JwtRefreshKey) -> SafeString | str:
        return copyable(key.token_hash, shown=64)

    @admin.display(description=gettext_lazy("JTI"))
    def jti_short(self, key: JwtRefreshKey) -> SafeString | str:
        return copyable(key.jti, shown=8)

    @admin.display(description=gettext_lazy("JTI"))
    def jti_whole(self, key: JwtRefreshKey) -> SafeString | str:
        return copyable(key.jti, shown=64)

    @admin.display(description=gettext_lazy("Device Info"))
    def device(self, key: JwtRefreshKey) -> str:
        told = key.device_info or {}
        parts = (key.device_id, told.get("browser"), told.get("system"))
        return ", ".join(str(part) for part in parts if part) or "-"

    @admin.display(description=gettext_lazy("Device Info"))
    def device_whole(self, key: JwtRefreshKey) -> SafeString:
        told = {"device_id": key.device_id, **(key.device_info or {})}
        return format_html('<pre class="json">{}</pre>', json.dumps(told, indent=2, ensure_ascii=False))

    @admin.display(description=gettext_lazy("Family"))
    def generations(self, key: JwtRefreshKey) -> SafeString:
        return timeline(key)


def _email_first(content: dict[str, Any]) -> dict[str, Any]:
    """Who, before what and when."""
    return {name: content[name] for name in sorted(content, key=lambda name: (name != "email", name != "sub", name))}
