"""Acts, the impact registry, and the refusals that screens show as messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from django import forms
from django.db.models import Model
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy

from proxies.errors import ProxyError

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class ImpactLine:
    """One thing that would die, counted."""

    label: str
    count: int
    detail: str = ""


class Secret(NamedTuple):
    """A value to show once, on the answer to the POST itself."""

    title: str
    values: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Act:
    """A button of a screen. `run` gets request, subject (None for a creation) and cleaned form; it says what was done.

    `permission` is a codename of the model's app, such as `change_apiproxy`, or has the app before it. A dangerous act
    shows its impact first and wants the subject's name typed (D12); `milder` names the sibling that would do less harm.
    `suggested` gives initial values that the address asks for. A form with a button named `preview` is shown again with
    what was typed and nothing is done.
    """

    name: str
    label: "StrOrPromise"
    run: Callable[[HttpRequest, Any, dict[str, Any]], "str | Secret"]
    permission: str
    form: type[forms.Form] = forms.Form
    help: "StrOrPromise" = ""
    dangerous: bool = False
    milder: "StrOrPromise" = ""
    initial: Callable[[Any], dict[str, Any]] | None = None
    possible: Callable[[Any], bool] | None = None
    suggested: Callable[[QueryDict], dict[str, Any]] | None = None
    template: str = "admin/act.html"


ImpactCounter = Callable[[Model, str], list[ImpactLine]]
_counters: list[ImpactCounter] = []
_refusals: list[type[Exception]] = [ProxyError]


def register_impact(counter: ImpactCounter) -> None:
    """Let a floor above say what an act on something below would end. Called by its AppConfig."""
    if counter not in _counters:
        _counters.append(counter)


def register_refusal(error: type[Exception]) -> None:
    """Let a floor above name the base of its refusals, which screens show as messages."""
    if error not in _refusals:
        _refusals.append(error)


def refusals() -> tuple[type[Exception], ...]:
    """The bases of all refusals, for whoever turns them into sentences."""
    return tuple(_refusals)


def impact_of(subject: Model, act: str) -> list[ImpactLine]:
    """What an act on the subject would end, by everyone who registered."""
    return [line for counter in _counters for line in counter(subject, act)]


def actor(request: HttpRequest) -> str:
    """The name that history and log keep."""
    return request.user.get_username()


def owner_fields() -> dict[str, forms.Field]:
    """Owner, team and e-mail, for the forms of everything that has them."""
    return {
        "owner_name": forms.CharField(
            label=gettext_lazy("Owner"),
            max_length=150,
            required=False,
            help_text=gettext_lazy("A user name, if the person has one here."),
        ),
        "owner_team": forms.CharField(label=gettext_lazy("Owner team"), max_length=150, required=False),
        "owner_email": forms.EmailField(label=gettext_lazy("Owner e-mail"), required=False),
    }


def initial_of(form: type[forms.Form]) -> Callable[[Any], dict[str, Any]]:
    """Initial values of a form: the subject's fields of the same names."""
    return lambda subject: {name: getattr(subject, name, None) for name in form.base_fields}
