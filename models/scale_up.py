"""The pace of a scale-up's copy: table by table and row by row, evenly over its duration.

When a table's turn comes it passes ``database.copy``: rows may be left out of its copy (``is_lost``: a filter, a broken
range of keys) or come later than their turn (``delay_ms``), also after the copy is reported complete. What copying a
row means is a build's affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage

Ints = NDArray[np.int64]


class ScaleUp:
    """One copy of tables with so many rows: which of them are due when."""

    def __init__(self, rows: Mapping[str, int], start_ms: int, duration_ms: int, connect_after_ppm: int) -> None:
        self._order = [(name, row) for name, count in rows.items() for row in range(count)]
        self._start_ms = start_ms
        self._duration_ms = max(1, duration_ms)
        self._done = 0
        self._bent: dict[str, Passage] = {}
        self._stragglers: list[tuple[int, str, int]] = []
        self.opens_ms = start_ms + duration_ms * connect_after_ppm // 1_000_000
        self.ends_ms = start_ms + duration_ms

    def turns(self) -> list[tuple[int, str]]:
        """(in how many ms, table): when the copy of each table begins."""
        first: dict[str, int] = {}
        for n, (name, _) in enumerate(self._order):
            first.setdefault(name, n)
        return [(self._duration_ms * n // len(self._order), name) for name, n in first.items()]

    def bend(self, table: str, passage: Passage) -> None:
        """What becomes of this table's rows."""
        self._bent[table] = passage

    @property
    def has_stragglers(self) -> bool:
        """Whether rows are still to come although their turn is over."""
        return bool(self._stragglers)

    def due(self, now_ms: int) -> Iterator[tuple[int, str, Ints]]:
        """(since when, table, keys): the rows whose time has come by now, and had not when this was last asked."""
        yield from _together(list(self._in_turn(now_ms)))
        if self._stragglers:
            late = sorted(straggler for straggler in self._stragglers if straggler[0] <= now_ms)
            self._stragglers = [straggler for straggler in self._stragglers if straggler[0] > now_ms]
            yield from _together(late)

    def _in_turn(self, now_ms: int) -> Iterator[tuple[int, str, int]]:
        due = len(self._order) * min(now_ms - self._start_ms, self._duration_ms) // self._duration_ms
        for n in range(self._done, due):
            name, row = self._order[n]
            passage = self._bent.get(name)
            if passage is None or not (passage.is_lost[row] or passage.delay_ms[row]):
                yield now_ms, name, row
            elif not passage.is_lost[row]:
                self._stragglers.append((self._turn_ms(n) + int(passage.delay_ms[row]), name, row))
        self._done = max(self._done, due)

    def _turn_ms(self, n: int) -> int:
        """The first millisecond at which the n-th row is due."""
        return self._start_ms - (-(n + 1) * self._duration_ms // len(self._order))


def _together(rows: Sequence[tuple[int, str, int]]) -> Iterator[tuple[int, str, Ints]]:
    """Rows of one time and one table as one."""
    groups: dict[tuple[int, str], list[int]] = {}
    for at_ms, name, row in rows:
        groups.setdefault((at_ms, name), []).append(row)
    for (at_ms, name), keys in groups.items():
        yield at_ms, name, np.array(keys)
