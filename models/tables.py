"""Tables of the simulated database: rows as arrays, and the log of commits by which any earlier state is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
HISTORY_MS = 900_000
HISTORY_COMMITS = 4_096


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

    def copy(self) -> Table:
        """The same rows, apart."""
        twin = Table(*self.values.shape)
        twin.values[:], twin.version[:], twin.present[:] = self.values, self.version, self.present
        return twin

    def rows(self, keys: Ints) -> tuple[Ints, Ints, Mask]:
        """Values, versions and presence of these rows, as they are now."""
        return self.values[keys], self.version[keys], self.present[keys]


@dataclass(frozen=True, slots=True)
class Commit:
    """What one write changed: the rows as they were before it."""

    number: int
    at_ms: int
    table: str
    keys: Ints
    before: tuple[Ints, Ints, Mask]


class CommitLog:
    """Commits by number, the newest last. What is older than the history is not told apart."""

    def __init__(self) -> None:
        self._commits: list[Commit] = []
        self.newest = 0

    def add(self, now_ms: int, name: str, table: Table, keys: Ints) -> None:
        """These rows are about to be written."""
        self.newest += 1
        self._commits.append(Commit(self.newest, now_ms, name, keys, table.rows(keys)))
        if len(self._commits) > HISTORY_COMMITS:
            self._commits = [commit for commit in self._commits if commit.at_ms > now_ms - HISTORY_MS]

    def number_at(self, at_ms: int) -> int:
        """The number of the last commit at or before a time."""
        number = self.newest
        for commit in reversed(self._commits):
            if commit.at_ms <= at_ms:
                break
            number = commit.number - 1
        return number

    def since(self, number: int) -> Iterator[Commit]:
        """The commits after this one, newest first: who undoes them in this order comes to that state."""
        for commit in reversed(self._commits):
            if commit.number <= number:
                return
            yield commit

    def forget_since(self, number: int) -> None:
        """The commits after this one never happened."""
        self._commits = [commit for commit in self._commits if commit.number <= number]
        self.newest = min(self.newest, number)
