"""People."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credentials import clients, password_links, second_factors, users
from credentials.admin.credentials import GrantForm
from credentials.models import User
from proxies.adminkit import Act, PortalAdmin, Secret, Words, actor


class PasswordForm(forms.Form):
    """A password, twice."""

    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False, label=gettext_lazy("Password")
    )
    again = forms.CharField(
        label=gettext_lazy("Password again"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("password") != values.pop("again", None):
            raise forms.ValidationError(_("The two passwords differ."))
        if values.get("password") or self.fields["password"].required:
            validate_password(values.get("password") or "")
        return values


class ByMailForm(forms.Form):
    """How a link reaches its person: the field is there where mail can be sent."""

    by_mail = forms.BooleanField(
        required=False,
        label=gettext_lazy("Send it by mail"),
        help_text=gettext_lazy("To the e-mail address of the person. Otherwise the link is shown to you, once."),
    )

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        if not settings.MAIL_IS_ON:
            del self.fields["by_mail"]


class NewUserForm(ByMailForm, PasswordForm):
    """What a new person needs. Without a password they are invited to set one."""

    username = forms.CharField(
        max_length=150, validators=User._meta.get_field("username").validators, label=gettext_lazy("Username")
    )
    email = forms.EmailField(required=False, label=gettext_lazy("Email"))
    is_staff = forms.BooleanField(required=False, label=gettext_lazy("May enter the admin"))
    field_order = ("username", "email", "is_staff")

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        for name in ("password", "again"):
            self.fields[name].required = False
        self.fields["password"].help_text = gettext_lazy(
            "Leave both empty to invite them: they set their password by a link that works once."
        )


class AccessForm(forms.Form):
    """What a person may do."""

    is_staff = forms.BooleanField(required=False, label=gettext_lazy("May enter the admin"))
    groups = forms.ModelMultipleChoiceField(Group.objects.all(), required=False, label=gettext_lazy("Groups"))
    user_permissions = forms.ModelMultipleChoiceField(
        Permission.objects.select_related("content_type"), required=False, label=gettext_lazy("Permissions")
    )


def _grant(request: HttpRequest, subject: User, values: dict[str, Any]) -> str:
    target = values.pop("proxy") or values.pop("group")
    values.pop("group", None)
    return _("{thing}.").format(thing=clients.grant(to=subject, target=target, by=actor(request), **values))


class NoteForm(forms.Form):
    """Why."""

    note = forms.CharField(required=False, max_length=500, label=gettext_lazy("Note"))


def _create(request: HttpRequest, subject: None, values: dict[str, Any]) -> str | Secret:
    by_mail, password = values.pop("by_mail", False), values.pop("password") or None
    if password:
        return _("{thing} was created.").format(thing=users.create_user(by=actor(request), password=password, **values))
    return _told_once(*password_links.invite(by=actor(request), by_mail=by_mail, **values))


def _link(request: HttpRequest, subject: User, values: dict[str, Any]) -> str | Secret:
    return _told_once(subject, password_links.make(subject, by=actor(request), by_mail=values.get("by_mail", False)))


def _told_once(subject: User, made: password_links.Made) -> str | Secret:
    if made.mailed:
        return _("A link was mailed to %(address)s.") % {"address": subject.email}
    title = _("A link for %(person)s to set their password, until %(until)s UTC") % {
        "person": subject,
        "until": f"{made.expires_at:%Y-%m-%d %H:%M}",
    }
    return Secret(title, [(_("Link"), made.address)])


def _set_password(request: HttpRequest, subject: User, values: dict[str, Any]) -> str:
    users.set_password(subject, values["password"], by=actor(request))
    return _("{subject} has a new password. All tokens of {subject_2} have ended.").format(
        subject=subject, subject_2=subject
    )


def _set_access(request: HttpRequest, subject: User, values: dict[str, Any]) -> str:
    users.set_access(subject, by=actor(request), **values)
    return _("What {subject} may do was changed.").format(subject=subject)


def _deactivate(request: HttpRequest, subject: User, values: dict[str, Any]) -> str:
    users.deactivate(subject, by=actor(request), note=values["note"])
    return _("{subject} can no longer log in. All tokens of {subject_2} have ended, for good.").format(
        subject=subject, subject_2=subject
    )


def _reactivate(request: HttpRequest, subject: User, values: dict[str, Any]) -> str:
    users.reactivate(subject, by=actor(request))
    return _("{subject} can log in again.").format(subject=subject)


def _reset_second_factor(request: HttpRequest, subject: User, values: dict[str, Any]) -> str:
    second_factors.remove(subject, by=actor(request), note=values["note"])
    return _("The second factor of %(person)s is removed.") % {"person": subject}


@admin.register(User)
class UserAdmin(PortalAdmin):
    """People who log in."""

    section, place, icon = "People", 10, "user"
    minor = ("email", "is_superuser", "second_factor_since")
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "second_factor_since", "last_login")
    list_filter = ("is_active", "is_staff", "groups", ("second_factor_since", admin.EmptyFieldListFilter))
    search_fields = ("username", "email")
    words = Words(exact=("username",), prefix=("username",), detail="email")
    exclude = ("password",)
    add_act = Act("add", gettext_lazy("Add user"), _create, "add_user", NewUserForm)
    acts = (
        Act("set-password", gettext_lazy("Set password"), _set_password, "change_user", PasswordForm, dangerous=True),
        Act(
            "password-link",
            gettext_lazy("Invite or reset by link"),
            _link,
            "change_user",
            ByMailForm,
            help=gettext_lazy(
                "A link by which this person sets their own password, once. An earlier link ends; the password of"
                " before works until then. All tokens of the person end when the new password is set."
            ),
            possible=lambda subject: subject.is_active,
        ),
        Act(
            "access",
            gettext_lazy("What they may do"),
            _set_access,
            "change_user",
            AccessForm,
            initial=lambda subject: {
                "is_staff": subject.is_staff,
                "groups": subject.groups.all(),
                "user_permissions": subject.user_permissions.all(),
            },
        ),
        Act(
            "grant",
            gettext_lazy("Grant access"),
            _grant,
            "add_grant",
            GrantForm,
            help=gettext_lazy("What this person may get access tokens for, at login or with a refresh key."),
            possible=lambda subject: subject.is_active,
        ),
        Act(
            "reset-second-factor",
            gettext_lazy("Reset second factor"),
            _reset_second_factor,
            "change_user",
            NoteForm,
            help=gettext_lazy(
                "For somebody who lost phone and recovery codes: be sure that it is them who ask. Their password alone"
                " lets them in then, or leads them to set up a new one where it is required. Their sessions end."
            ),
            possible=lambda subject: subject.second_factor_since is not None,
        ),
        Act(
            "deactivate",
            gettext_lazy("Deactivate"),
            _deactivate,
            "change_user",
            NoteForm,
            help=gettext_lazy("All tokens of this person end at once and stay ended."),
            dangerous=True,
            milder=gettext_lazy("Milder: end everything. Then they can log in again."),
            possible=lambda subject: subject.is_active,
        ),
        Act(
            "reactivate",
            gettext_lazy("Reactivate"),
            _reactivate,
            "change_user",
            possible=lambda subject: not subject.is_active,
        ),
    )

    def act_view(self, request: HttpRequest, object_id: str, act_name: str) -> HttpResponse:
        """Nobody lifts themselves up: `users.may_do` says who may do what to whom."""
        subject = self.get_object(request, object_id)
        person: Any = request.user
        if subject is not None and not users.may_do(act_name, person, subject):
            raise PermissionDenied
        return super().act_view(request, object_id, act_name)
