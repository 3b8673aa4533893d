"""What is wrong with a file: every mistake with its place, all of a file together.

A mistake reads ``file:line:column: path: what is wrong; what is allowed``. Whoever checks a part of a file adds to one
:class:`Mistakes` and goes on; who needed the whole raises :exc:`BadFile` at the end, which exits 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

_SHOWN = 16  # a list of allowed names longer than this is cut: 117 markets help nobody


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: ``place`` is ``file:line:column``, a file, or ``--set PATH``; ``message`` is one plain sentence."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class BadFile(Exception):
    """A file, or what was set over it, cannot be used; carries all mistakes that were found in it, by position."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes), key=_by_position))
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


class Mistakes:
    """Collects mistakes, so that all of them can be told at once."""

    def __init__(self) -> None:
        self._found: list[Mistake] = []

    def add(self, place: str, message: str) -> None:
        """One more mistake."""
        self._found.append(Mistake(place, message))

    def extend(self, mistakes: Iterable[Mistake]) -> None:
        """More of them, e.g. those of a :exc:`BadFile` that another file raised."""
        self._found.extend(mistakes)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Mistake]:
        return iter(self._found)

    def raise_if_any(self) -> None:
        """Raises :exc:`BadFile` with everything found so far; does nothing where nothing was."""
        if self._found:
            raise BadFile(self._found)


@contextmanager
def together(first: Mistakes) -> Iterator[None]:
    """Adds what a :exc:`BadFile` raised inside tells to ``first``, and raises all of it at the end.

    Where something was wrong already, what follows from it is left out: a place is told of once.
    """
    told = {mistake.place for mistake in first}
    try:
        yield
    except BadFile as later:
        first.extend(mistake for mistake in later.mistakes if mistake.place not in told)
    first.raise_if_any()


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """The tail of a message about an unknown name: the nearest allowed name if one is near, and what is allowed."""
    names = sorted(set(allowed))
    if not names:
        return "nothing is allowed here"
    by_lower = {known.lower(): known for known in names}
    near = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    listed = "allowed: " + listing(names)
    return f"did you mean '{by_lower[near[0]]}'? {listed}" if near else listed


def listing(names: Iterable[str]) -> str:
    """Names with commas; a long list is cut, and says by how much."""
    every = list(names)
    shown = ", ".join(every[:_SHOWN])
    return shown if len(every) <= _SHOWN else f"{shown} and {len(every) - _SHOWN} more"


def _by_position(mistake: Mistake) -> tuple[str, int, int, str]:
    file, line, column = split_place(mistake.place)
    return (file, line, column, mistake.message)


def split_place(place: str) -> tuple[str, int, int]:
    """(file, line, column) of a place; zeros for what it does not tell."""
    parts = place.rsplit(":", 2)
    if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        return parts[0], int(parts[1]), int(parts[2])
    return place, 0, 0
