"""Bar charts as values: where each bar is and what it says. A template draws them; nothing here knows a database."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import NamedTuple

WIDTH, HEIGHT = 720.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 4.0, 12.0, 24.0


class Piece(NamedTuple):
    """One colour of a bar; `series` numbers the colours from 1."""

    series: int
    x: float
    y: float
    width: float
    height: float


class Bar(NamedTuple):
    """One bar: its pieces from the bottom up, what it says, where it leads, and what stands below it."""

    pieces: tuple[Piece, ...]
    x: float
    width: float
    title: str
    url: str
    label: str
    middle: float


class Line(NamedTuple):
    """A line of the scale."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of stacked bars and the same as a table."""

    name: str
    bars: tuple[Bar, ...]
    scale: tuple[Line, ...]
    series: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def empty(self) -> bool:
        """True where every bar is nothing."""
        return not any(any(counts) for _, counts in self.rows)

    @property
    def legend(self) -> list[tuple[int, str, int]]:
        """Number of the colour, name, and sum."""
        sums = [sum(counts[at] for _, counts in self.rows) for at in range(len(self.series))]
        return [(at + 1, name, sums[at]) for at, name in enumerate(self.series)]


class Column(NamedTuple):
    """What a bar is made of."""

    name: str
    counts: tuple[int, ...]
    url: str = ""
    label: str = ""


def top_of(highest: int) -> int:
    """A round number at or above the highest bar: 1, 2 or 5 times a power of ten, in four steps."""
    if highest <= 4:
        return 4
    power = 10 ** int(log10(highest))
    return next(step * power for step in (1, 2, 4, 6, 8, 10, 20) if step * power >= highest)


def stacked(name: str, series: Sequence[str], columns: Sequence[Column]) -> Chart:
    """Bars side by side over the whole width."""
    top = top_of(max((sum(column.counts) for column in columns), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(columns), 1)
    width = round(step * 0.72, 1)
    bars = []
    for at, column in enumerate(columns):
        x = round(LEFT + at * step + (step - width) / 2, 1)
        told = ", ".join(f"{count:,} {word}" for count, word in zip(column.counts, series, strict=True))
        bars.append(
            Bar(_pieces(column.counts, x, width, top), x, width, f"{column.name}: {told}", column.url, column.label,
                round(x + width / 2, 1))
        )  # fmt: skip
    scale = tuple(Line(_y(top * part / 4, top), _short(ceil(top * part / 4))) for part in range(5))
    return Chart(name, tuple(bars), scale, tuple(series), tuple((column.name, column.counts) for column in columns))


def _y(value: float, top: int) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)


def _pieces(counts: Sequence[int], x: float, width: float, top: int) -> tuple[Piece, ...]:
    pieces, below = [], 0
    for series, count in enumerate(counts, 1):
        if count:
            upper, lower = _y(below + count, top), _y(below, top)
            pieces.append(Piece(series, x, upper, width, round(max(lower - upper, 0.5), 1)))
            below += count
    return tuple(pieces)


def _short(number: int) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return str(number)
