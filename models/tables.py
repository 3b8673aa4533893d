"""Tables of the simulated database: rows as arrays, and what each commit found there, so that it can be undone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Table:
    """Rows ``0..rows-1``; an absent one has version 0."""

    __slots__ = ("present", "values", "version")

    def __init__(self, rows: int, columns: int) -> None:
        self.values = np.zeros((rows, columns), np.int64)
        self.version = np.zeros(rows, np.int64)
        self.present = np.zeros(rows, np.bool_)

    @classmethod
    def of(cls, values: Ints) -> Table:
        """A table with these rows, all present, all in their first version."""
        made = cls(*values.shape)
        made.values[:], made.version[:], made.present[:] = values, 1, True
        return made

    def empty(self) -> Table:
        """A table like this one, with no row."""
        return Table(*self.values.shape)

    def rows(self, keys: Ints) -> tuple[Ints, Ints, Mask]:
        """Values, versions and presence of these rows, as they are now."""
        return self.values[keys], self.version[keys], self.present[keys]

    def put(self, keys: Ints, rows: tuple[Ints, Ints, Mask]) -> None:
        """These rows are as they are in another state."""
        self.values[keys], self.version[keys], self.present[keys] = rows


@dataclass(frozen=True, slots=True)
class Change:
    """What one statement of a commit changed: the rows as they were before it."""

    number: int
    table: str
    keys: Ints
    before: tuple[Ints, Ints, Mask]


class Changes:
    """The changes of all commits, the newest last."""

    def __init__(self) -> None:
        self._changes: deque[Change] = deque()

    def add(self, change: Change, oldest: int) -> None:
        """One more. Those of commits up to ``oldest`` are needed no more."""
        self._changes.append(change)
        while self._changes[0].number <= oldest:
            self._changes.popleft()

    def since(self, number: int) -> Iterator[Change]:
        """What the commits after this one changed, newest first: who undoes it in this order comes to that state."""
        for change in reversed(self._changes):
            if change.number <= number:
                return
            yield change

    def forget_since(self, number: int) -> None:
        """The commits after this one never happened."""
        while self._changes and self._changes[-1].number > number:
            self._changes.pop()
