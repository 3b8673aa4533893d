"""The database: one interface of one-instant transactions, and its simulated build.

A transaction happens at one virtual instant, all its statements and the commit: what time it takes is the client's
business (latency, retries, a cold cache). So a real SQL server can answer the same calls. A row that another open
transaction holds answers "not available" instead of making anyone wait.

A scale-up copies the tables one after another to a bigger instance, which accepts connections before the copy is
complete: until its turn a row is not there. The copy inserts what is missing and leaves what is already there, so a
row that an early client wrote stays (INSERT ... ON CONFLICT DO NOTHING).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drydock.harness.sim import Sim
from drydock.models.events import DatabaseState
from drydock.models.perp.units import all_true
from drydock.models.venue import DatabaseSpec

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Unavailable(Exception):
    """The database refuses connections: down, recovering, or not yet open."""


@dataclass(frozen=True, slots=True)
class Read:
    """SELECT of these keys. ``stale_ms`` above zero means that a replica so far behind answers."""

    table: str
    keys: Ints
    stale_ms: int = 0


@dataclass(frozen=True, slots=True)
class Write:
    """UPSERT of ``values[n, column]`` under ``keys[n]``. With ``expected`` versions it is a compare-and-set per row."""

    table: str
    keys: Ints
    values: Ints
    expected: Ints | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer to a statement, row by row.

    Of a read: ``values``, ``version`` and ``found``. Of a write: ``found`` says whether the row was written and
    ``version`` is the version that it has now. ``held`` rows are not available now: another transaction has them.
    """

    values: Ints
    version: Ints
    found: Mask
    held: Mask


class Database(Protocol):
    """What services know of a database."""

    def transact(self, statements: Sequence[Read | Write]) -> list[Rows]:
        """All statements and the commit, now. Raises :exc:`Unavailable`; then nothing happened."""
        ...


@dataclass(slots=True)
class _Commit:
    at_ms: int
    table: str
    keys: Ints
    before: Ints
    version_before: Ints
    present_before: Mask


class _Table:
    def __init__(self, rows: int, columns: int) -> None:
        self.values = np.zeros((rows, columns), np.int64)
        self.version = np.zeros(rows, np.int64)
        self.present = np.zeros(rows, np.bool_)

    def copy(self) -> _Table:
        twin = _Table(*self.values.shape)
        twin.values[:], twin.version[:], twin.present[:] = self.values, self.version, self.present
        return twin


class SimulatedDatabase:
    """Tables as arrays on one primary, a replica that follows, and one bigger instance during a scale-up."""

    HISTORY_MS = 900_000

    def __init__(self, sim: Sim, spec: DatabaseSpec) -> None:
        self._sim = sim
        self._spec = spec
        self._lane = sim.lane_of("database")
        self._tables: dict[str, _Table] = {}
        self._log: list[_Commit] = []
        self._is_down = False
        self._copy: _ScaleUp | None = None
        self._crashes = 0

    # ---- set-up and life ---------------------------------------------------------------------------------------
    def create(self, table: str, values: Ints) -> None:
        """A table with one row per key ``0..len(values)-1``, all present."""
        made = self._tables[table] = _Table(*values.shape)
        made.values[:] = values
        made.present[:] = True
        made.version[:] = 1

    def crash(self) -> bool:
        """Connections break; after recovery everything committed is there. False where it is down already."""
        if self._is_down:
            return False
        self._is_down = True
        self._crashes += 1
        self._sim.emit(DatabaseState("crashed", 0), self._lane)
        self._sim.call_in(self._spec.recovery_ms, self._recover, self._crashes, self._lane, "recover")
        return True

    def _recover(self, crash: int) -> None:
        if crash == self._crashes and self._is_down:
            self._is_down = False
            self._sim.emit(DatabaseState("recovered", len(self._tables)), self._lane)

    def begin_scale_up(self, duration_ms: int) -> None:
        """Starts the copy to the bigger instance; clients are pointed at it at once and find it closed at first."""
        self._copy = _ScaleUp(self._tables, self._sim.now_ms, duration_ms, self._spec.connect_after_ppm)
        self._tables = self._copy.target
        self._sim.emit(DatabaseState("copying", 0), self._lane)

    def end_scale_up(self) -> None:
        """The copy is complete."""
        if self._copy is not None:
            self._copy.advance(self._copy.ends_ms)
            self._copy = None
            self._sim.emit(DatabaseState("copied", len(self._tables)), self._lane)

    @property
    def is_copying(self) -> bool:
        """Whether a scale-up's copy is under way."""
        return self._copy is not None

    @property
    def accepts_connections(self) -> bool:
        """Whether a transaction would be answered now."""
        is_closed = self._copy is not None and self._sim.now_ms < self._copy.opens_ms
        return not (self._is_down or is_closed)

    # ---- the operators' own tools, outside of any client ----------------------------------------------------------
    def overwrite(self, table: str, keys: Ints, values: Ints) -> None:
        """A restore: these rows become these values, whoever wrote them before."""
        self._write(Write(table, keys, values))

    def greatest(self, table: str, column: int) -> int:
        """The greatest value in a column."""
        return int(self._tables[table].values[:, column].max())

    # ---- transactions --------------------------------------------------------------------------------------------
    def transact(self, statements: Sequence[Read | Write]) -> list[Rows]:
        """All statements and the commit, now. Raises :exc:`Unavailable`; then nothing happened."""
        if not self.accepts_connections:
            raise Unavailable
        if self._copy is not None:
            self._copy.advance(self._sim.now_ms)
        return [self._read(s) if isinstance(s, Read) else self._write(s) for s in statements]

    def _read(self, read: Read) -> Rows:
        table = self._tables[read.table]
        keys = read.keys
        values, version, found = table.values[keys], table.version[keys], table.present[keys]
        if read.stale_ms > 0:
            values, version, found = self._as_of(read, values, version, found)
        return Rows(values, version, found, np.zeros(len(keys), np.bool_))

    def _as_of(self, read: Read, values: Ints, version: Ints, found: Mask) -> tuple[Ints, Ints, Mask]:
        horizon_ms = self._sim.now_ms - read.stale_ms
        place = {key: n for n, key in enumerate(read.keys.tolist())}
        for commit in reversed(self._log):
            if commit.at_ms <= horizon_ms:
                break
            if commit.table != read.table:
                continue
            for m, key in enumerate(commit.keys.tolist()):
                n = place.get(key)
                if n is not None:
                    values[n] = commit.before[m]
                    version[n] = commit.version_before[m]
                    found[n] = commit.present_before[m]
        return values, version, found

    def _write(self, write: Write) -> Rows:
        table, keys = self._tables[write.table], write.keys
        every = write.expected is None
        may = np.ones(len(keys), np.bool_) if every else table.version[keys] == write.expected
        written, values = keys, write.values
        if not all_true(may):
            written, values = keys[may], values[may]
        self._remember(write.table, table, written)
        table.values[written] = values
        table.version[written] += 1
        table.present[written] = True
        return Rows(table.values[keys], table.version[keys], may, np.zeros(len(keys), np.bool_))

    def _remember(self, name: str, table: _Table, keys: Ints) -> None:
        now_ms = self._sim.now_ms
        self._log.append(_Commit(now_ms, name, keys, table.values[keys], table.version[keys], table.present[keys]))
        if len(self._log) > 4096:
            self._log = [commit for commit in self._log if commit.at_ms > now_ms - self.HISTORY_MS]


class _ScaleUp:
    """A copy, table by table and row by row, at an even pace over its duration."""

    def __init__(self, source: dict[str, _Table], start_ms: int, duration_ms: int, connect_after_ppm: int) -> None:
        self._source = {name: table.copy() for name, table in source.items()}
        self.target = {name: _Table(*table.values.shape) for name, table in source.items()}
        self._order = [(name, row) for name, table in self._source.items() for row in range(len(table.version))]
        self._start_ms = start_ms
        self._duration_ms = max(1, duration_ms)
        self._copied = 0
        self.opens_ms = start_ms + duration_ms * connect_after_ppm // 1_000_000
        self.ends_ms = start_ms + duration_ms

    def advance(self, now_ms: int) -> None:
        """Copies every row whose turn has come by now; a row that is there already is left as it is."""
        due = len(self._order) * min(now_ms - self._start_ms, self._duration_ms) // self._duration_ms
        for name, row in self._order[self._copied : due]:
            source, target = self._source[name], self.target[name]
            if source.present[row] and not target.present[row]:
                target.values[row] = source.values[row]
                target.version[row] = source.version[row]
                target.present[row] = True
        self._copied = max(self._copied, due)
