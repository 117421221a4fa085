"""manage.py users."""

# ruff: noqa: ARG002 - verbs are called alike

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import CommandError

from credentials import password_links, second_factors, users
from credentials.commandkit import user
from credentials.models import User
from proxies.commandkit import ACTOR, PortalCommand, add_verb, add_yes, hidden, impact_on

VARIABLE = "PASSWORD"


class Command(PortalCommand):
    """People who log in, one verb each."""

    help = "People: create, change, passwords, links, second factors, deactivate, reactivate, access, list."

    def add_words(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        add_verb(verbs, "list", "everybody, and what they may do")
        creating = _named(verbs, "create", "a new person; the password comes from a file, PASSWORD or standard input")
        _add_identity(creating)
        creating.add_argument("--staff", action="store_true", help="may enter the admin")
        creating.add_argument("--superuser", action="store_true", help="may do everything")
        _add_password(creating)
        creating.add_argument("--no-password", action="store_true", help="nobody can log in as them until one is set")
        _add_identity(_named(verbs, "change", "e-mail address and names; what is not named stays"))
        setting = _named(verbs, "set-password", "a new password; all tokens of the person end at once")
        _add_password(setting)
        add_yes(setting)
        linking = _named(verbs, "password-link", "a link by which the person sets their own password, once")
        linking.add_argument("--mail", action="store_true", help="mail it to the person instead of printing it")
        leaving = _named(verbs, "deactivate", "no login any more; all tokens of the person end at once and for good")
        leaving.add_argument("--note", default="", help="kept in the history")
        add_yes(leaving)
        _named(verbs, "reactivate", "let the person log in again")
        losing = _named(verbs, "reset-second-factor", "for a person who lost phone and recovery codes")
        losing.add_argument("--note", default="", help="kept in the history")
        allowing = _named(verbs, "access", "what the person may do; what is not named stays")
        allowing.add_argument("--staff", choices=("on", "off"), help="may enter the admin")
        allowing.add_argument("--groups", nargs="*", metavar="NAME", help="all groups of the person; none empties")
        allowing.add_argument(
            "--permissions", nargs="*", metavar="APP.CODENAME", help="all single permissions; none empties"
        )

    def act(self, options: dict[str, Any]) -> None:
        verbs: dict[str, Callable[[dict[str, Any]], None]] = {
            "list": self._list, "create": self._create, "change": self._change, "set-password": self._set_password,
            "deactivate": self._deactivate, "reactivate": self._reactivate, "access": self._access,
            "password-link": self._password_link, "reset-second-factor": self._reset_second_factor,
        }  # fmt: skip
        verbs[options["verb"]](options)

    def _list(self, options: dict[str, Any]) -> None:
        everybody = User.objects.order_by("username").prefetch_related("groups", "user_permissions__content_type")
        found = [_told(each) for each in everybody]
        self.tell({"users": found}, *([_line(each) for each in found] or ["Nobody yet: manage.py users create NAME"]))

    def _create(self, options: dict[str, Any]) -> None:
        password = None if options["no_password"] else _password(options)
        if password is not None:
            users.check_password(password, username=options["username"], email=options["email"] or "")
        made = users.create_user(
            username=options["username"],
            password=password,
            is_staff=options["staff"] or options["superuser"],
            is_superuser=options["superuser"],
            by=ACTOR,
            **_identity(options),
        )
        self.tell(_told(made), f"{made} was created.")

    def _change(self, options: dict[str, Any]) -> None:
        subject = user(options["username"])
        users.change_user(subject, by=ACTOR, **_identity(options))
        self.tell(_told(subject), f"{subject} was changed.")

    def _set_password(self, options: dict[str, Any]) -> None:
        subject = user(options["username"])
        password = _password(options)
        users.check_password(password, username=subject.username, email=subject.email)
        ending = f"A new password ends all tokens of {subject} at once and for good:"
        self.confirm(options, str(subject), impact_on(subject, "set-password"), ending)
        users.set_password(subject, password, by=ACTOR)
        self.tell(_told(subject), f"{subject} has a new password. All tokens of {subject} have ended.")

    def _password_link(self, options: dict[str, Any]) -> None:
        subject = user(options["username"])
        made = password_links.make(subject, by=ACTOR, by_mail=options["mail"])
        told = {"link": None if made.mailed else made.address, "expires_at": made.expires_at, "mailed": made.mailed}
        until = f"It works once, until {made.expires_at:%Y-%m-%d %H:%M} UTC."
        self.tell(told, f"Mailed to {subject.email}. {until}" if made.mailed else f"{made.address}\n{until}")

    def _deactivate(self, options: dict[str, Any]) -> None:
        subject = user(options["username"])
        ending = f"{subject} can no longer log in, and these end at once and for good:"
        self.confirm(options, str(subject), impact_on(subject, "deactivate"), ending)
        users.deactivate(subject, by=ACTOR, note=options["note"])
        self.tell(_told(subject), f"{subject} is deactivated. All tokens of {subject} have ended, for good.")

    def _reactivate(self, options: dict[str, Any]) -> None:
        subject = user(options["username"])
        users.reactivate(subject, by=ACTOR)
        self.tell(_told(subject), f"{subject} can log in again. Tokens of before stay ended.")

    def _reset_second_factor(self, options: dict[str, Any]) -> None:
        subject = user(options["username"])
        second_factors.remove(subject, by=ACTOR, note=options["note"])
        self.tell(_told(subject), f"The second factor of {subject} is removed. Their sessions of the admin have ended.")

    def _access(self, options: dict[str, Any]) -> None:
        subject = user(options["username"])
        groups, permissions = options["groups"], options["permissions"]
        users.set_access(
            subject,
            is_staff=subject.is_staff if options["staff"] is None else options["staff"] == "on",
            groups=subject.groups.all() if groups is None else _groups(groups),
            user_permissions=subject.user_permissions.all() if permissions is None else _permissions(permissions),
            by=ACTOR,
        )
        told = _told(subject)
        self.tell(told, _line(told))


def _named(verbs: Any, name: str, help_text: str) -> ArgumentParser:
    parser = add_verb(verbs, name, help_text)
    parser.add_argument("username")
    return parser


def _add_identity(parser: ArgumentParser) -> None:
    parser.add_argument("--email")
    parser.add_argument("--first-name")
    parser.add_argument("--last-name")


def _add_password(parser: ArgumentParser) -> None:
    parser.add_argument("--password-file", default="", metavar="FILE", help="file with the password; - is stdin")


def _identity(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("email", "first_name", "last_name") if options[name] is not None}


def _password(options: dict[str, Any]) -> str:
    return hidden("The password", file=options["password_file"], variable=VARIABLE)


def _groups(names: list[str]) -> list[Group]:
    found = {group.name: group for group in Group.objects.filter(name__in=names)}
    if missing := [name for name in names if name not in found]:
        known = ", ".join(Group.objects.order_by("name").values_list("name", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no group {missing[0]}. There are: {known}.")
    return list(found.values())


def _permissions(names: list[str]) -> list[Permission]:
    found = []
    for name in names:
        app, _, codename = name.partition(".")
        one = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
        if one is None:
            raise CommandError(f"There is no permission {name}. It is written as credentials.view_credential.")
        found.append(one)
    return found


def _told(each: User) -> dict[str, Any]:
    return {
        "username": each.username,
        "email": each.email,
        "first_name": each.first_name,
        "last_name": each.last_name,
        "active": each.is_active,
        "staff": each.is_staff,
        "superuser": each.is_superuser,
        "groups": sorted(group.name for group in each.groups.all()),
        "permissions": sorted(f"{one.content_type.app_label}.{one.codename}" for one in each.user_permissions.all()),
        "last_login": each.last_login,
        "second_factor_since": each.second_factor_since,
    }


def _line(told: dict[str, Any]) -> str:
    rights = [word for word in ("staff", "superuser") if told[word]] + told["groups"] + told["permissions"]
    state = "active" if told["active"] else "deactivated"
    return f"{told['username']}  {told['email'] or '-'}  {state}  {', '.join(rights) or 'no rights in the admin'}"
