"""Roles: groups of people, the four that the portal comes with and others."""

from typing import Any

import django.contrib.auth.admin  # registers the stock screen, which ours replaces  # noqa: F401
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credentials import groups
from proxies.adminkit import Act, PortalAdmin, actor

_OURS = ("proxies", "credentials", "tokens")


def permissions_field() -> forms.ModelMultipleChoiceField:
    """What can be allowed here, one box each."""
    return forms.ModelMultipleChoiceField(
        Permission.objects.filter(content_type__app_label__in=(*_OURS, "auth")).select_related("content_type"),
        required=False,
        label=gettext_lazy("Permissions"),
        widget=forms.CheckboxSelectMultiple,
    )


class PermissionsForm(forms.Form):
    """What its members may do."""

    permissions = permissions_field()


class NewGroupForm(PermissionsForm):
    """A name as well."""

    name = forms.CharField(max_length=150, label=gettext_lazy("Name"))
    field_order = ("name",)


def _add(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    made = groups.add_group(by=actor(request), **values)
    return _("%(group)s was added. Put people into it by “What they may do”.") % {"group": made}


def _set(request: HttpRequest, subject: Group, values: dict[str, Any]) -> str:
    groups.set_permissions(subject, values["permissions"], by=actor(request))
    return _("What %(group)s may do was changed. It counts from the next request.") % {"group": subject}


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(PortalAdmin):
    """Roles. Only a superuser makes or changes one: nobody lifts themselves up."""

    section, place, icon = "People", 60, "users"
    empty_hint = gettext_lazy("The four roles are made by the migrations: run manage.py migrate.")
    list_display = ("name", "people")
    search_fields = ("name",)
    ordering = ("name",)
    add_act = Act("add", gettext_lazy("Add group"), _add, "add_group", NewGroupForm)
    acts = (
        Act(
            "permissions",
            gettext_lazy("What they may do"),
            _set,
            "change_group",
            PermissionsForm,
            initial=lambda subject: {"permissions": subject.permissions.all()},
        ),
    )
    fields = readonly_fields = ("name", "people", "allowed")

    def _may(self, request: HttpRequest, act: Act) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    @admin.display(description=gettext_lazy("People"))
    def people(self, group: Group) -> str:
        return ", ".join(group.user_set.order_by("username").values_list("username", flat=True)[:20]) or "-"

    @admin.display(description=gettext_lazy("They may"))
    def allowed(self, group: Group) -> SafeString:
        found = group.permissions.select_related("content_type").order_by("content_type__app_label", "name")
        return format_html_join("", "{}<br>", ((each.name.removeprefix("Can "),) for each in found))
