"""People of the other system: made here by user name, without password and rights, and found again for their tokens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from credentials.errors import CredentialError
from credentials.models import User
from tokens.importing import landing
from tokens.importing.landing import Landing, Person
from tokens.importing.report import Report, Tally
from tokens.importing.source import PAGE, Source, name

_TEXTS = ("email", "first_name", "last_name")
NOT_IN_TABLE = "its user is not in the user table"


@dataclass(frozen=True, slots=True)
class Table:
    """The other system's table of users, whose key is `id`."""

    table: str
    username: str
    texts: tuple[str, ...]
    has_activity: bool

    @property
    def columns(self) -> str:
        """What is read of a user."""
        texts = [f"u.{each}" if each in self.texts else "''" for each in _TEXTS]
        return ", ".join(["u.id", f"u.{self.username}", *texts, "u.is_active" if self.has_activity else "1"])


def table(source: Source, table_name: str, username: str) -> Table:
    """The table as it is there. Raises ImportRefused where it is not."""
    found = source.need(name(table_name), "id", name(username))
    return Table(table_name, username, tuple(each for each in _TEXTS if each in found), "is_active" in found)


def _person(row: tuple[Any, ...]) -> Person:
    return Person(str(row[1]), str(row[2] or ""), str(row[3] or ""), str(row[4] or ""), bool(row[5]))


def make_all(
    source: Source, users: Table, place: Landing, tally: Tally, *, who: str, parameters: Iterable[Any]
) -> None:
    """Make those that are not here yet, of all for whom the condition `who` holds."""
    select = f"SELECT {users.columns} FROM {users.table} u WHERE {who}"
    for page in source.pages(select, "u.id", list(parameters)):
        persons = [_person(row) for row in page]
        tally.found += len(persons)
        here = set(
            User.objects.filter(username__in=[each.username for each in persons]).values_list("username", flat=True)
        )
        tally.already += len(here)
        for each in persons:
            if each.username in here:
                continue
            try:
                if not place.dry_run:
                    landing.new_person(place, each)
                tally.carried += 1
            except CredentialError as refusal:
                tally.leave_out(str(refusal), each.username)


def note_made(report: Report, tally: Tally) -> None:
    """What is to be done for those that were made."""
    if tally.carried:
        report.note(f"{tally.carried} people have no password here and no rights in the admin: users set-password NAME")


def of_keys(source: Source, users: Table, place: Landing, keys: Iterable[Any]) -> dict[Any, User | str]:
    """By the other system's key the person here, or why there is none. Keys of one page only."""
    wanted = list(keys)
    assert len(wanted) <= PAGE
    if not wanted:
        return {}
    marks = ", ".join(["%s"] * len(wanted))
    rows = source.rows(f"SELECT {users.columns} FROM {users.table} u WHERE u.id IN ({marks})", wanted)
    names: Mapping[Any, str] = {row[0]: str(row[1]) for row in rows}
    here = {each.username: each for each in User.objects.filter(username__in=names.values())}
    # In a dry run nobody was made: an unsaved person stands for them.
    missing: Any = User() if place.dry_run else "its user could not be made here"
    return {key: here.get(names[key], missing) if key in names else NOT_IN_TABLE for key in wanted}
