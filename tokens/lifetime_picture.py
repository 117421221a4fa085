"""The terms of a policy as a picture: when each token and each refresh window ends, at the latest. A template draws it.

Each refresh is drawn at the last moment it is possible, since that gives the sums of the documents (S0.18, S0.19): the
first window closes after R, the last refresh comes before N x R, the last access token ends at N x R + L.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from tokens import rules
from tokens.policy_warnings import bounds_of, duration, lifetime_preview

WIDTH, LEFT, RIGHT = 720.0, 8.0, 24.0
TOP, BAR, ROW = 20.0, 16.0, 46.0
# A family with more refreshes is drawn with its first ones, a break, and its last one.
MOST_DRAWN, BEFORE_BREAK, BREAK = 6, 3, 34.0
NARROWEST = 3.0
# Room for a letter of the scale, also where a phone writes it larger.
LETTER = 8.2


class Turn(NamedTuple):
    """One access token of a family, in seconds from the first: handed out at the latest, its end, and until when it
    can be refreshed; None where it cannot."""

    number: int
    at: int
    token_ends: int
    window_ends: int | None


class Bar(NamedTuple):
    """A bar of the picture, and what it says."""

    x: float
    y: float
    width: float
    kind: str
    title: str


class Mark(NamedTuple):
    """A moment on the scale."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Bars, scale and sums of a family, and the same as rows of a table."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    turns: tuple[Turn, ...]
    sums: tuple[str, ...]
    deadline: Mark | None
    break_at: float | None
    goes_on: bool
    told: str


def turns_of(terms: dict[str, Any]) -> tuple[tuple[Turn, ...], bool]:
    """The tokens of a family that is refreshed as late as possible: all, or the first and the last; and whether it has
    no end. Empty for a token that never expires."""
    access, refresh, count = bounds_of(terms)
    if access is None:
        return (), True
    end = terms["family_lifetime_secs"]
    last = 0 if refresh is None else _last_refresh(refresh, count, end)
    numbers = _drawn(last)
    found = tuple(_turn(number, access, refresh or 0, last, end) for number in numbers)
    return found, last is None


def _last_refresh(refresh: int, count: int | None, end: int | None) -> int | None:
    """How many refreshes there can be; the family's end may come before the count is spent (D9)."""
    fitting = None if end is None else ceil(end / refresh) - 1
    known = [each for each in (count, fitting) if each is not None]
    return min(known) if known else None


def _drawn(last: int | None) -> list[int]:
    if last is None:
        return list(range(BEFORE_BREAK))
    return list(range(last + 1)) if last <= MOST_DRAWN else [*range(BEFORE_BREAK), last]


def _turn(number: int, access: int, refresh: int, last: int | None, end: int | None) -> Turn:
    at = number * refresh
    more = last is None or number < last
    ends = [at + access, at + refresh]
    token, window = ends if end is None else [min(each, end) for each in ends]
    return Turn(number, at, token, window if more else None)


def lifetime_picture(terms: dict[str, Any]) -> Picture:
    """The picture of complete terms, as `policies.terms_of` gives them."""
    turns, goes_on = turns_of(terms)
    if not turns:
        whole = Bar(LEFT, TOP, WIDTH - LEFT - RIGHT, "token", _("The access token never expires."))
        return Picture((whole,), (Mark(LEFT, "0"),), (), (), None, None, True, whole.title)
    step, unit = _scale(turns)
    places = {turn.number: LEFT + place * step for place, turn in enumerate(turns)}
    broken = len(turns) > 1 and turns[-1].number > len(turns) - 1
    if broken:
        places[turns[-1].number] += BREAK
    bars = tuple(bar for turn in turns for bar in _bars(turn, places[turn.number], unit))
    marks = _marks(turns, places, unit)
    gap = places[turns[-1].number] - BREAK / 2 if broken else None
    deadline = None if goes_on or len(turns) == 1 else Mark(round(places[turns[-1].number], 1), _moment(turns[-1].at))
    return Picture(bars, marks, turns, tuple(_sums(terms)), deadline, gap, goes_on, _told(turns, goes_on))


def _scale(turns: tuple[Turn, ...]) -> tuple[float, float]:
    """Width of one refresh window, and of one second."""
    broken = turns[-1].number > len(turns) - 1
    refresh = turns[1].at if len(turns) > 1 else 0
    last = turns[-1]
    longest = max(last.token_ends, last.window_ends or 0) - last.at
    whole = (len(turns) - 1) * refresh + longest
    unit = (WIDTH - LEFT - RIGHT - (BREAK if broken else 0)) / max(whole, 1)
    return refresh * unit, unit


def _bars(turn: Turn, x: float, unit: float) -> list[Bar]:
    words = _("Access token {number}: from {start} to {end}").format(
        number=turn.number + 1, start=_moment(turn.at), end=_moment(turn.token_ends)
    )
    token = (turn.token_ends - turn.at) * unit
    bars = [Bar(round(x, 1), TOP, round(max(token - 1.5, NARROWEST), 1), "token", words)]
    if turn.window_ends is not None:
        window = (turn.window_ends - turn.at) * unit
        words = _("Refresh {number} is possible from {start} to {end}").format(
            number=turn.number + 1, start=_moment(turn.at), end=_moment(turn.window_ends)
        )
        bars.append(Bar(round(x, 1), TOP + ROW, round(max(window - 1.5, NARROWEST), 1), "window", words))
    return bars


def _marks(turns: tuple[Turn, ...], places: dict[int, float], unit: float) -> tuple[Mark, ...]:
    """The moments of handing out and the very end; in between only what is not written over another."""
    last = turns[-1]
    end = max(last.token_ends, last.window_ends or 0)
    found = [(places[turn.number], turn.at) for turn in turns]
    found.append((places[last.number] + (end - last.at) * unit, end))
    first, *between, end_mark = [Mark(round(x, 1), _moment(at)) for x, at in found]
    kept, taken = [first], first.x + _room(first)
    for mark in between:
        if taken < mark.x - _room(mark) / 2 and mark.x + _room(mark) / 2 < end_mark.x - _room(end_mark):
            kept.append(mark)
            taken = mark.x + _room(mark) / 2
    return (*kept, end_mark)


def _room(mark: Mark) -> float:
    return len(mark.label) * LETTER + LETTER


def _moment(seconds: int) -> str:
    return "0" if seconds == 0 else duration(seconds)


def _sums(terms: dict[str, Any]) -> list[str]:
    """The sums in the documents' own form, in seconds, where nothing caps them."""
    access, refresh, count = bounds_of(terms)
    if access is None or refresh is None or count is None or terms["family_lifetime_secs"] is not None:
        return []
    horizon, last = lifetime_preview(terms).horizon, rules.last_possible_end(access, refresh, count)
    return [
        _(
            "{access} + ({refresh} - {access}) + {more} x {refresh} = {sum} s: the last refresh comes before this."
        ).format(access=access, refresh=refresh, more=count - 1, sum=count * refresh)
        if horizon == count * refresh
        else _("The refresh window is shorter than the access token: {sum} s.").format(sum=horizon),
        _("{horizon} + {access} = {sum} s: the last access token ends.").format(
            horizon=count * refresh, access=access, sum=last
        ),
    ]


def _told(turns: tuple[Turn, ...], goes_on: bool) -> str:
    first = _("Each refresh at the last possible moment.")
    if goes_on:
        return first + " " + _("Refreshing has no end.")
    last = turns[-1]
    return first + " " + _("The last access token ends after {end}.").format(end=_moment(last.token_ends))
