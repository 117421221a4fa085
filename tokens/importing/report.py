"""What an import did, and what it could not carry over and why. Counts and a few examples, whatever the number."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 5
Progress = Callable[[str, int], None]


@dataclass(slots=True)
class LeftOut:
    """How many were left out for one reason, and some of them by number or name; never by value."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """One kind of thing: all that was looked at is in exactly one of the figures."""

    noun: str
    found: int = 0
    carried: int = 0
    already: int = 0
    over: int = 0
    left_out: dict[str, LeftOut] = field(default_factory=dict)

    def leave_out(self, because: str, example: object) -> None:
        """One that could not be carried over."""
        kept = self.left_out.setdefault(because, LeftOut())
        kept.count += 1
        if len(kept.examples) < EXAMPLES:
            kept.examples.append(str(example)[:100])

    def sentences(self, *, dry_run: bool) -> Iterator[str]:
        """For people."""
        verb = "would be carried over" if dry_run else "carried over"
        parts = [f"{self.found} {self.noun}", f"{self.carried} {verb}"]
        if self.already:
            parts.append(f"{self.already} here already")
        if self.over:
            parts.append(f"{self.over} over there too (expired or revoked)")
        yield ": ".join((parts[0], ", ".join(parts[1:]) + "."))
        for because, kept in self.left_out.items():
            yield f"  {kept.count} left out: {because} ({', '.join(kept.examples)})"

    def shown(self) -> dict[str, Any]:
        """For machines."""
        return {
            "found": self.found,
            "carried": self.carried,
            "already_here": self.already,
            "over": self.over,
            "left_out": [
                {"because": because, "count": kept.count, "examples": kept.examples}
                for because, kept in self.left_out.items()
            ],
        }


@dataclass(slots=True)
class Report:
    """The whole import."""

    verifier: str
    dry_run: bool
    tallies: dict[str, Tally] = field(default_factory=dict)
    ended_since: int = 0
    notes: list[str] = field(default_factory=list)

    def tally(self, name: str, noun: str) -> Tally:
        """The figures of one kind."""
        return self.tallies.setdefault(name, Tally(noun))

    def note(self, sentence: str) -> None:
        """What somebody should know or do; once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def sentences(self) -> Iterator[str]:
        """For people."""
        for tally in self.tallies.values():
            yield from tally.sentences(dry_run=self.dry_run)
        if self.ended_since:
            yield f"{self.ended_since} imported before were revoked there since, and ended here."
        yield from self.notes
        if self.dry_run:
            yield "Nothing was written."

    def shown(self) -> dict[str, Any]:
        """For machines."""
        return {
            "verifier": self.verifier,
            "dry_run": self.dry_run,
            **{name: tally.shown() for name, tally in self.tallies.items()},
            "ended_since": self.ended_since,
            "notes": self.notes,
        }
