"""The commits of a database by number: when each was, and which rows it wrote; what these were is a build's affair."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Written = Sequence[tuple[str, Ints]]
"""(table, keys) of each statement that wrote."""
HISTORY_MS = 900_000
HISTORY_COMMITS = 4_096


class CommitLog:
    """Commits by number, the newest last. What is older than the history is not told apart."""

    def __init__(self) -> None:
        self.oldest = 0
        """The last commit before the history."""
        self._at_ms: list[int] = []
        self._written: list[Written] = []

    @property
    def newest(self) -> int:
        """The number of the last commit; 0 where there was none."""
        return self.oldest + len(self._at_ms)

    def add(self, now_ms: int, written: Written) -> None:
        """The next commit; never before the one before it."""
        self._at_ms.append(now_ms)
        self._written.append(written)
        if len(self._at_ms) > HISTORY_COMMITS:
            past = bisect_right(self._at_ms, now_ms - HISTORY_MS)
            self.oldest += past
            del self._at_ms[:past], self._written[:past]

    def number_at(self, at_ms: int) -> int:
        """The number of the last commit at or before a time."""
        return self.oldest + bisect_right(self._at_ms, at_ms)

    def forget_since(self, number: int) -> Iterator[tuple[str, Ints]]:
        """The commits after this one never happened: yields (table, keys) of all rows that they wrote, once each."""
        kept = max(0, number - self.oldest)
        rows: dict[str, list[Ints]] = {}
        for written in reversed(self._written[kept:]):
            for table, keys in written:
                rows.setdefault(table, []).append(keys)
        del self._at_ms[kept:], self._written[kept:]
        for table, parts in rows.items():
            yield table, np.unique(np.concatenate(parts))
