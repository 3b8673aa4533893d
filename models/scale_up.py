"""The copy of a scale-up: table by table and row by row, at an even pace over its duration.

A row that is there already, because a client of the bigger instance wrote it, is left as it is (INSERT .. ON CONFLICT
DO NOTHING). When a table's turn comes it passes ``database.copy``: rows may be left out of its copy (``is_lost``: a
filter, a broken range of keys) or come later than their turn (``delay_ms``), also after the copy is reported complete.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from drydock.harness.seam import Passage
from drydock.models.tables import Table


class ScaleUp:
    """One copy. ``target`` is what the bigger instance has; the source stands still meanwhile."""

    def __init__(self, source: Mapping[str, Table], start_ms: int, duration_ms: int, connect_after_ppm: int) -> None:
        self._source = {name: table.copy() for name, table in source.items()}
        self.target = {name: Table(*table.values.shape) for name, table in source.items()}
        self._order = [(name, row) for name, table in self._source.items() for row in range(len(table.version))]
        self._start_ms = start_ms
        self._duration_ms = max(1, duration_ms)
        self._copied = 0
        self._bent: dict[str, Passage] = {}
        self._stragglers: list[tuple[int, str, int]] = []
        self.opens_ms = start_ms + duration_ms * connect_after_ppm // 1_000_000
        self.ends_ms = start_ms + duration_ms

    def turns(self) -> list[tuple[int, str]]:
        """(in how many ms, table): when the copy of each table begins."""
        first = {name: n for n, (name, _) in reversed(list(enumerate(self._order)))}
        return [(self._duration_ms * first[name] // len(self._order), name) for name in self._source if name in first]

    def bend(self, table: str, passage: Passage) -> None:
        """What becomes of this table's rows."""
        self._bent[table] = passage

    @property
    def has_stragglers(self) -> bool:
        """Whether rows are still to come although their turn is over."""
        return bool(self._stragglers)

    def advance(self, now_ms: int) -> None:
        """Copies every row whose time has come by now."""
        due = len(self._order) * min(now_ms - self._start_ms, self._duration_ms) // self._duration_ms
        for n in range(self._copied, due):
            name, row = self._order[n]
            passage = self._bent.get(name)
            if passage is None or not (passage.is_lost[row] or passage.delay_ms[row]):
                self._copy(name, row)
            elif not passage.is_lost[row]:
                self._stragglers.append((self._turn_ms(n) + int(passage.delay_ms[row]), name, row))
        self._copied = max(self._copied, due)
        if self._stragglers:
            for _, name, row in [late for late in self._stragglers if late[0] <= now_ms]:
                self._copy(name, row)
            self._stragglers = [late for late in self._stragglers if late[0] > now_ms]

    def _turn_ms(self, n: int) -> int:
        """The first millisecond at which the n-th row is due."""
        return self._start_ms - (-(n + 1) * self._duration_ms // len(self._order))

    def _copy(self, name: str, row: int) -> None:
        source, target = self._source[name], self.target[name]
        if source.present[row] and not target.present[row]:
            target.values[row] = source.values[row]
            target.version[row] = source.version[row]
            target.present[row] = np.True_
