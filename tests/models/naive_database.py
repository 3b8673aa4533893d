"""A database that a test can believe: whole states in dictionaries, no logs and nothing undone."""

from __future__ import annotations

from collections.abc import Sequence

State = dict[int, tuple[int, int]]
"""(value, version) by key; a key that is not in it has no row."""
Answer = list[tuple[int, int, bool, bool]] | None
"""(value, version, found, held) row by row; None where nobody answers."""
RECOVERY_MS, LAG_MS, PROMOTION_MS = 150, 100, 80


class NaiveDatabase:
    """One table. ``states`` are all that this history had: its time, and what was there after it."""

    def __init__(self, rows: int) -> None:
        self.now_ms = 0
        self.rows: State = {key: (100 + key, 1) for key in range(rows)}
        self.states: list[tuple[int, State]] = [(-1, dict(self.rows))]
        self.stands = {"standby-1": 0, "standby-2": 0}
        self.down_until_ms = -1
        self.held: set[int] = set()
        self.late: list[tuple[int, Sequence[int], int, int | None]] = []
        self.source: State | None = None
        self.copy_ms = (0, 0)
        self.left_out: frozenset[int] = frozenset()
        self.base = 0
        self.before_newest = 0

    # ---- time ------------------------------------------------------------------------------------------------
    def wait(self, ms: int) -> None:
        """Late transactions that arrive meanwhile find the database as it then is."""
        ends_ms = self.now_ms + ms
        for late in sorted(late for late in self.late if late[0] < ends_ms):
            self.late.remove(late)
            self.now_ms = late[0]
            if self.is_up():
                self.write(*late[1:])
        self.now_ms = ends_ms
        self._copy()

    def is_up(self) -> bool:
        """Whether anybody is answered."""
        return self.now_ms > self.down_until_ms

    def _copy(self) -> None:
        if self.source is None:
            return
        begun_ms, takes_ms = self.copy_ms
        for nth, key in enumerate(sorted(self.states[0][1])):
            is_due = (self.now_ms - begun_ms) * len(self.states[0][1]) >= (nth + 1) * takes_ms
            if is_due and key in self.source and key not in self.rows and key not in self.left_out:
                self.rows[key] = self.source[key]

    # ---- life ------------------------------------------------------------------------------------------------
    def go_down(self, for_ms: int) -> bool:
        """Nobody is answered for so long; open transactions are gone."""
        if not self.is_up():
            return False
        self.down_until_ms, self.held = self.now_ms + for_ms, set()
        return True

    def fail_over(self, lost_ms: int) -> bool:
        """What the first standby has is what there is."""
        if self.source is not None or not self.go_down(PROMOTION_MS):
            return False
        fork = max(self._last_at(self.now_ms - lost_ms), self.base, self.stands["standby-1"])
        del self.states[fork + 1 :]
        self.rows = dict(self.states[-1][1])
        self.stands = {name: min(place, fork) for name, place in self.stands.items()}
        return True

    def begin_copy(self, takes_ms: int, left_out: frozenset[int]) -> None:
        """A bigger instance, empty at first."""
        self.source, self.rows, self.held = self.rows, {}, set()
        self.copy_ms, self.left_out, self.before_newest = (self.now_ms, takes_ms), left_out, len(self.states) - 1

    def end_copy(self) -> None:
        """Standbys of the bigger instance begin with what is there now."""
        self._copy()
        self.source, self.base = None, len(self.states) - 1
        self.states[-1] = (self.states[-1][0], dict(self.rows))

    # ---- transactions ----------------------------------------------------------------------------------------
    def read(self, keys: Sequence[int], server: str = "primary", stale_ms: int = 0) -> Answer:
        """What this server has."""
        if not self.is_up():
            return None
        self._copy()
        rows = self.rows
        if server != "primary":
            place = max(self.stands[server], self._last_at(self.now_ms - (stale_ms or LAG_MS)))
            self.stands[server] = place
            is_old = self.source is not None or place < self.base
            rows = self.states[min(place, self.before_newest) if is_old else place][1]
        return [(*rows.get(key, (0, 0)), key in rows, False) for key in keys]

    def write(self, keys: Sequence[int], value: int, expected: int | None) -> Answer:
        """One commit."""
        if not self.is_up():
            return None
        self._copy()
        answer: list[tuple[int, int, bool, bool]] = []
        for key in keys:
            _, version = self.rows.get(key, (0, 0))
            is_mine = key not in self.held and expected in (None, version)
            if is_mine:
                self.rows[key] = (value, version + 1)
            known = (0, 0) if key in self.held else self.rows.get(key, (0, 0))
            answer.append((*known, is_mine, key in self.held))
        self.states.append((self.now_ms, dict(self.rows)))
        return answer

    def _last_at(self, at_ms: int) -> int:
        return max(place for place, (since_ms, _) in enumerate(self.states) if since_ms <= max(-1, at_ms))
