"""The simulated build of the database: a primary, standbys that follow it, and a bigger instance during a scale-up.

A scale-up copies the tables one after another to a bigger instance, which accepts connections before the copy is
complete: until its turn a row is not there. Its standbys are made when the copy is complete; older states are read from
those of the instance before, which has stood still since.

Standbys replay the primary's commits one by one, each up to a position of its own that only grows. When the primary is
lost, the first standby is promoted: what it had not yet received is gone, row versions too. A standby that was further
than the new primary cannot follow it, and is made anew from it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drydock.harness.seam import Passage, Seams
from drydock.harness.sim import Sim
from drydock.models.database import LIVE, PRIMARY, STANDBYS, DatabaseDoor, Ints, Mask, Read, Rows, Statement, Write
from drydock.models.database_events import DatabaseState
from drydock.models.perp.units import all_true
from drydock.models.scale_up import ScaleUp
from drydock.models.tables import CommitLog, Table
from drydock.models.venue import DatabaseSpec


class SimulatedDatabase(DatabaseDoor):
    """Tables as arrays."""

    def __init__(self, sim: Sim, spec: DatabaseSpec, seams: Seams | None = None) -> None:
        super().__init__(sim, Seams() if seams is None else seams)
        self._spec = spec
        self._tables: dict[str, Table] = {}
        self._kept: dict[tuple[str, str], Table] = {}
        self._log = CommitLog()
        self._position = dict.fromkeys(STANDBYS, 0)
        self._before: dict[str, Table] = {}
        self._before_newest = 0
        self._base: int | None = 0  # the first commit that standbys of this instance have; None while there are none
        self._is_down = False
        self._copy: ScaleUp | None = None

    # ---- set-up ----------------------------------------------------------------------------------------------
    def create(self, table: str, values: Ints) -> None:
        """A table with one row per key ``0..len(values)-1``, all present."""
        self._tables[table] = Table.of(values)

    def keep(self, artefact: str, table: str, values: Ints) -> None:
        """A kept copy of a table (a dump, a snapshot in a schema of its own), for reads that name it."""
        self._kept[artefact, table] = Table.of(values)

    # ---- life ------------------------------------------------------------------------------------------------
    def crash(self) -> bool:
        """Connections break; after recovery everything committed is there. False where it is down already."""
        return self._go_down("crashed", self._spec.recovery_ms, "recovered")

    @property
    def has_standby(self) -> bool:
        """Whether one could be promoted: the database is up, and it is no scale-up's target that is still copied to."""
        return self._base is not None and not self._is_down

    def fail_over(self, lost_ms: int, refuse_ms: int) -> bool:
        """The primary is lost and the first standby promoted, without the commits of the last ``lost_ms``.

        Clients find it after ``refuse_ms``. False where there is nothing to promote.
        """
        if self._base is None or not self._go_down("primary_lost", refuse_ms, "promoted"):
            return False
        fork = max(self._log.number_at(self._sim.now_ms - lost_ms), self._base, self._position[STANDBYS[0]])
        self._lose_since(fork)
        self._position = {name: min(position, fork) for name, position in self._position.items()}
        return True

    def _lose_since(self, fork: int) -> None:
        lost: dict[str, list[Ints]] = {}
        for commit in self._log.since(fork):
            table = self._tables[commit.table]
            table.values[commit.keys], table.version[commit.keys], table.present[commit.keys] = commit.before
            lost.setdefault(commit.table, []).append(commit.keys)
        self._log.forget_since(fork)
        for name, parts in lost.items():
            keys, table = np.unique(np.concatenate(parts)), self._tables[name]
            keys = keys[table.present[keys]]
            self._tell(name, keys, table.values[keys])

    def _go_down(self, state: str, for_ms: int, then: str) -> bool:
        if self._is_down:
            return False
        self._is_down = True
        self._connections_break()
        self._sim.emit(DatabaseState(state, 0), self._lane)
        self._sim.call_in(for_ms, self._come_up, then, self._lane, "recover")
        return True

    def _come_up(self, state: str) -> None:
        self._is_down = False
        self._sim.emit(DatabaseState(state, len(self._tables)), self._lane)

    @property
    def accepts_connections(self) -> bool:
        """Whether a transaction would be answered now."""
        is_closed = self._copy is not None and self._sim.now_ms < self._copy.opens_ms
        return not (self._is_down or is_closed)

    # ---- scale-up --------------------------------------------------------------------------------------------
    def begin_scale_up(self, duration_ms: int) -> None:
        """Starts the copy to the bigger instance; clients are pointed at it at once and find it closed at first."""
        copy = self._copy = ScaleUp(self._tables, self._sim.now_ms, duration_ms, self._spec.connect_after_ppm)
        self._before, self._before_newest = self._tables, self._log.newest
        self._position = {name: max(position, self._base or 0) for name, position in self._position.items()}
        self._tables = copy.target
        self._base = None
        self._connections_break()
        self._sim.emit(DatabaseState("copying", 0), self._lane)
        for wait_ms, table in copy.turns():
            self._sim.call_in(wait_ms, self._table_begins, (copy, table), self._lane, "copy")

    def _table_begins(self, arg: tuple[ScaleUp, str]) -> None:
        copy, table = arg
        if self._copy_seam.bends and copy is self._copy:
            copy.bend(table, self._copy_seam.through(Passage(len(self._tables[table].version), table)))

    def end_scale_up(self) -> None:
        """The copy is reported complete. Standbys of the bigger instance are made from what it has by now."""
        copy = self._copy
        if copy is not None and self.is_copying:
            copy.advance(copy.ends_ms)
            self._base = self._log.newest
            if not copy.has_stragglers:
                self._copy = None
            self._sim.emit(DatabaseState("copied", len(self._tables)), self._lane)

    @property
    def is_copying(self) -> bool:
        """Whether a scale-up's copy is under way."""
        return self._base is None

    # ---- the operators' own tools, outside of any client ----------------------------------------------------------
    def overwrite(self, table: str, keys: Ints, values: Ints) -> None:
        """A restore: these rows become these values, whoever wrote or holds them."""
        self._write(Write(table, keys, values))

    def greatest(self, table: str, column: int) -> int:
        """The greatest value in a column."""
        return int(self._tables[table].values[:, column].max())

    # ---- transactions --------------------------------------------------------------------------------------------
    def _commit(self, statements: Sequence[Statement]) -> list[Rows]:
        if self._copy is not None:
            self._copy.advance(self._sim.now_ms)
            if not (self.is_copying or self._copy.has_stragglers):
                self._copy = None
        return [self._read(s) if isinstance(s, Read) else self._write(s) for s in statements]

    def _abandon(self, statements: Sequence[Statement]) -> None:
        """Nobody ever sees what an uncommitted transaction did: there is nothing to undo."""

    def _read(self, read: Read) -> Rows:
        if read.artefact != LIVE:
            values, version, found = self._kept[read.artefact, read.table].rows(read.keys)
        elif read.is_of_standby:
            values, version, found = self._as_of(self._position_of(read), read)
        else:
            values, version, found = self._tables[read.table].rows(read.keys)
        return _answer(values, version, found, read.held)

    def _position_of(self, read: Read) -> int:
        """Where the standby of this read stands now: so far behind, and never further back than it was."""
        server = STANDBYS[0] if read.server == PRIMARY else read.server
        lag_ms = read.stale_ms or self._spec.replica_lag_ms
        position = max(self._position[server], self._log.number_at(self._sim.now_ms - lag_ms))
        self._position[server] = position
        return position

    def _as_of(self, position: int, read: Read) -> tuple[Ints, Ints, Mask]:
        """The rows of this read without the commits after ``position``."""
        has_it = self._base is not None and position >= self._base
        values, version, found = (self._tables if has_it else self._before)[read.table].rows(read.keys)
        place = {key: n for n, key in enumerate(read.keys.tolist())}
        for commit in self._log.since(position):
            if commit.table != read.table or not (has_it or commit.number <= self._before_newest):
                continue
            for m, key in enumerate(commit.keys.tolist()):
                n = place.get(key)
                if n is not None:
                    values[n], version[n], found[n] = (column[m] for column in commit.before)
        return values, version, found

    def _write(self, write: Write) -> Rows:
        table, keys = self._tables[write.table], write.keys
        may = np.ones(len(keys), np.bool_) if write.expected is None else table.version[keys] == write.expected
        if write.held is not None:
            may &= ~write.held
        written, values = keys, write.values
        if not all_true(may):
            written, values = keys[may], values[may]
        self._log.add(self._sim.now_ms, write.table, table, written)
        table.values[written] = values
        table.version[written] += 1
        table.present[written] = True
        return _answer(table.values[keys], table.version[keys], may, write.held)


def _answer(values: Ints, version: Ints, found: Mask, held: Mask | None) -> Rows:
    """Of held rows nothing is known."""
    if held is None:
        return Rows(values, version, found, np.zeros(len(found), np.bool_))
    values[held], version[held] = 0, 0
    return Rows(values, version, found & ~held, held)
