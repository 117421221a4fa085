"""`/api/v1/users/`: people, as the admin has them."""

# ruff: noqa: ARG002 - actions are called alike

from typing import Any, ClassVar

from django.contrib.auth.models import Group, Permission
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from credentials import password_links, second_factors, users
from credentials.api.filters import UserFilter
from credentials.models import User
from proxies.api_scopes import USERS
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import Chosen, Confirmed, ConfirmedNote, Exact, NoteShape, Nothing
from proxies.restkit.views import ManagementView

_CHANGE = "credentials.change_user"
_NEW = {"username": "ada", "email": "ada@example.com", "password": "correct horse battery", "is_staff": True}
_VIEWER = example("A viewer", {"is_staff": True, "groups": ["Viewer"], "user_permissions": []})


def _password(**more: Any) -> serializers.CharField:
    return serializers.CharField(max_length=1_000, trim_whitespace=False, **more)


class PermissionField(serializers.CharField):
    """A permission by its full name, such as `tokens.view_issuedtoken`."""

    default_error_messages = {"unknown": "There is no such permission."}

    def run_validation(self, data: Any = serializers.empty) -> Permission:
        """The permission. Raises ValidationError where there is none."""
        app, _, codename = str(super().run_validation(data)).partition(".")
        found = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
        if found is None:
            self.fail("unknown")
        return found


class NewUserShape(Exact):
    """What a new person needs."""

    username = serializers.CharField(max_length=150)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True, default="")
    password = _password(required=False, default=None, allow_null=True, help_text="Without one: make a link next.")
    is_staff = serializers.BooleanField(required=False, default=False, help_text="May enter the admin.")


class PersonAccessShape(Exact):
    """All that a person may do: what is not in it is taken away."""

    is_staff = serializers.BooleanField()
    groups = serializers.ListField(child=Chosen(Group.objects.all(), by="name"), max_length=100)
    user_permissions = serializers.ListField(child=PermissionField(max_length=250), max_length=500)


class PasswordShape(Confirmed):
    """A new password, and the name of whose tokens end."""

    password = _password()


class ByMailShape(Exact):
    """How a link reaches its person."""

    by_mail = serializers.BooleanField(required=False, default=False, help_text="To the person's e-mail address.")


class PasswordLinkShape(serializers.Serializer[Any]):
    """A link by which a person sets their own password: in this answer, and never again."""

    link = serializers.CharField(allow_null=True, help_text="null where it was mailed.")
    expires_at = serializers.DateTimeField()
    mailed = serializers.BooleanField()


class UserShape(serializers.ModelSerializer[User]):
    """A person."""

    groups = serializers.SerializerMethodField()
    user_permissions = serializers.SerializerMethodField(help_text="Those given singly.")

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "email",
            "first_name",
            "last_name",
            "is_active",
            "is_staff",
            "is_superuser",
            "date_joined",
            "last_login",
            "second_factor_since",
            "groups",
            "user_permissions",
        )
        read_only_fields = fields

    def get_groups(self, person: User) -> list[str]:
        return sorted(group.name for group in person.groups.all())

    def get_user_permissions(self, person: User) -> list[str]:
        found = person.user_permissions.all()
        return sorted(f"{each.content_type.app_label}.{each.codename}" for each in found)


class Users(ManagementView[User]):
    """People who log in."""

    queryset = User.objects.prefetch_related("groups", "user_permissions__content_type")
    filterset_class = UserFilter
    serializer_class = UserShape
    lookup_value_regex = "[0-9]{1,18}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("credentials.view_user", USERS),
        "retrieve": Need("credentials.view_user", USERS),
        "create": Need("credentials.add_user", USERS, act="add"),
        "set_password": Need(_CHANGE, USERS, act="set-password", dangerous=True),
        "password_link": Need(_CHANGE, USERS, act="password-link", answers_secret=True),
        "set_access": Need(_CHANGE, USERS, act="access"),
        "deactivate": Need(_CHANGE, USERS, act="deactivate", dangerous=True),
        "reactivate": Need(_CHANGE, USERS, act="reactivate"),
        "reset_second_factor": Need(_CHANGE, USERS, act="reset-second-factor"),
    }

    def one(self, key: int | str) -> User:
        """The person; who may not act on them is refused before anything else."""
        found = super().one(key)
        act = self.need.act if self.need is not None else ""
        if act and not users.may_do(act, self.request.user, found):  # type: ignore[arg-type]
            raise PermissionDenied
        return found

    @documented("List people", gives=UserShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first."""
        return self.listed()

    @documented("Show a person", gives=UserShape)
    def retrieve(self, request: Request, pk: str) -> Response:
        """With groups and permissions."""
        return self.shown(self.one(pk))

    @documented("Add a person", takes=NewUserShape, gives=UserShape, status=201, examples=[example("Staff", _NEW)])
    def create(self, request: Request) -> Response:
        """They may do nothing yet: set their access next."""
        values = self.read(NewUserShape)
        if values["password"] is not None:
            users.check_password(values["password"], username=values["username"], email=values["email"])
        made = users.create_user(by=self.by, at=self.now, **values)
        return self.shown(made, status=201)

    @documented("Set a password", takes=PasswordShape, gives=UserShape)
    @action(detail=True, methods=["post"], url_path="set-password")
    def set_password(self, request: Request, pk: str) -> Response:
        """All tokens of the person end at once (D31)."""
        values, person = self.read(PasswordShape), self.one(pk)
        told = self.impact_or_confirmed(person, "set-password", values)
        if told is None:
            users.check_password(values["password"], username=person.username, email=person.email)
            users.set_password(person, values["password"], by=self.by, at=self.now)
        return told or self.shown(person)

    @documented("Make a link that sets a password", takes=ByMailShape, gives=PasswordLinkShape, status=201)
    @action(detail=True, methods=["post"], url_path="password-link")
    def password_link(self, request: Request, pk: str) -> Response:
        """To invite somebody or to reset their password. It works once and is answered once, or mailed."""
        values, person = self.read(ByMailShape), self.one(pk)
        made = password_links.make(person, by=self.by, at=self.now, **values)
        told = {"link": None if made.mailed else made.address, "expires_at": made.expires_at, "mailed": made.mailed}
        return Response(told, status=201)

    @documented("Set what a person may do", takes=PersonAccessShape, gives=UserShape, examples=[_VIEWER])
    @action(detail=True, methods=["post"], url_path="set-access")
    def set_access(self, request: Request, pk: str) -> Response:
        """Replaces all of it, from the next request on. Only a superuser hands out permissions."""
        values, person = self.read(PersonAccessShape), self.one(pk)
        users.set_access(person, by=self.by, at=self.now, **values)
        return self.shown(person)

    @documented("Deactivate a person", takes=ConfirmedNote, gives=UserShape)
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, pk: str) -> Response:
        """They are refused; their tokens end at once and stay ended if they come back (D31)."""
        values, person = self.read(ConfirmedNote), self.one(pk)
        told = self.impact_or_confirmed(person, "deactivate", values)
        if told is None:
            users.deactivate(person, by=self.by, at=self.now, **values)
        return told or self.shown(person)

    @documented("Reactivate a person", takes=Nothing, gives=UserShape)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, pk: str) -> Response:
        """They can log in again."""
        self.read(Nothing)
        person = self.one(pk)
        users.reactivate(person, by=self.by, at=self.now)
        return self.shown(person)

    @documented("Reset a second factor", takes=NoteShape, gives=UserShape)
    @action(detail=True, methods=["post"], url_path="reset-second-factor")
    def reset_second_factor(self, request: Request, pk: str) -> Response:
        """For a person who lost phone and recovery codes. Their password alone lets them in; their sessions end."""
        values, person = self.read(NoteShape), self.one(pk)
        second_factors.remove(person, by=self.by, at=self.now, **values)
        return self.shown(person)
