"""The simulated build of the database: tables as arrays, and what commits changed, by which older states are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drydock.harness.seam import Seams
from drydock.harness.sim import Sim
from drydock.models.database import LIVE, Ints, Mask, Read, Rows, Session, Statement, Unavailable, Write
from drydock.models.database_life import DatabaseLife, Stand
from drydock.models.perp.units import all_true
from drydock.models.tables import Change, Changes, Table
from drydock.models.venue import DatabaseSpec


class SimulatedDatabase(DatabaseLife):
    """Tables as arrays."""

    def __init__(self, sim: Sim, spec: DatabaseSpec, seams: Seams | None = None) -> None:
        super().__init__(sim, spec, seams)
        self._tables: dict[str, Table] = {}
        self._before: dict[str, Table] = {}
        self._kept: dict[tuple[str, str], Table] = {}
        self._changes = Changes()

    # ---- set-up, and the operators' eye ------------------------------------------------------------------------
    def _make(self, artefact: str, table: str, values: Ints) -> None:
        if artefact == LIVE:
            self._tables[table] = Table.of(values)
        else:
            self._kept[artefact, table] = Table.of(values)

    def _greatest(self, table: str, column: int) -> int:
        values = self._tables[table].values[self._tables[table].present, column]
        return int(values.max()) if values.size else 0

    # ---- life ------------------------------------------------------------------------------------------------
    def _restart(self) -> None:
        """Everything that was committed is there, and there is nothing else."""

    def _promote(self, number: int) -> None:
        for change in self._changes.since(number):
            self._tables[change.table].put(change.keys, change.before)
        self._changes.forget_since(number)

    def _begin_instance(self) -> None:
        self._before = self._tables
        self._tables = {name: table.empty() for name, table in self._before.items()}

    def _copy_rows(self, table: str, keys: Ints) -> Ints:
        source, target = self._before[table], self._tables[table]
        keys = keys[source.present[keys] & ~target.present[keys]]
        if not self.is_copying:
            self._about_to_change(table, keys)
        target.put(keys, source.rows(keys))
        return keys

    def _mark(self) -> None:
        """Standbys are the primary's tables without the newest changes."""

    # ---- transactions --------------------------------------------------------------------------------------------
    def _do(self, statements: Sequence[Statement], *, is_answered: bool) -> list[Rows]:
        return [self._read(s) if isinstance(s, Read) else self._write(s) for s in statements]

    def _abandon(self, statements: Sequence[Statement]) -> None:
        """Nobody ever sees what an uncommitted transaction did: there is nothing to undo."""

    def _take(self, table: str, keys: Ints | None) -> Session:
        others = [session for session in self._sessions if session.table == table]
        if others and (keys is None or any(other.keys is None for other in others)):
            raise Unavailable
        if keys is None:
            return Session(table, None)
        theirs = [other.keys for other in others if other.keys is not None]
        is_free = self._tables[table].present[keys] & ~np.isin(keys, np.concatenate([np.zeros(0, np.int64), *theirs]))
        return Session(table, keys[is_free])

    def _now(self, table: str, keys: Ints) -> Rows:
        return _answer(*self._tables[table].rows(keys), None)

    def _read(self, read: Read) -> Rows:
        if read.artefact != LIVE:
            return _answer(*self._kept[read.artefact, read.table].rows(read.keys), None)
        if not read.is_of_standby:
            return _answer(*self._tables[read.table].rows(read.keys), read.held)
        stand = self._stand_of(read)
        held = np.ones(len(read.keys), np.bool_) if self._is_locked(read.table, stand) else None
        return _answer(*self._as_of(stand, read), held)

    def _as_of(self, stand: Stand, read: Read) -> tuple[Ints, Ints, Mask]:
        """The rows of this read without the commits that the standby does not have."""
        values, version, found = (self._before if stand.is_before else self._tables)[read.table].rows(read.keys)
        place = {key: n for n, key in enumerate(read.keys.tolist())}
        for change in self._changes.since(stand.number):
            if change.table != read.table or (stand.is_before and change.number > self._before_newest):
                continue
            for m, key in enumerate(change.keys.tolist()):
                n = place.get(key)
                if n is not None:
                    values[n], version[n], found[n] = (column[m] for column in change.before)
        return values, version, found

    def _write(self, write: Write) -> Rows:
        table, keys = self._tables[write.table], write.keys
        may = np.ones(len(keys), np.bool_) if write.expected is None else table.version[keys] == write.expected
        if write.held is not None:
            may &= ~write.held
        written, values = keys, write.values
        if not all_true(may):
            written, values = keys[may], values[may]
        self._about_to_change(write.table, written)
        table.values[written] = values
        table.version[written] += 1
        if not all_true(table.present[written]):
            table.version[written[~table.present[written]]] = write.first_version
            table.present[written] = True
        return _answer(table.values[keys], table.version[keys], may, write.held)

    def _about_to_change(self, table: str, keys: Ints) -> None:
        """By the commit that comes next; how the rows are now is noted."""
        change = Change(self._log.newest + 1, table, keys, self._tables[table].rows(keys))
        self._changes.add(change, self._log.oldest)


def _answer(values: Ints, version: Ints, found: Mask, held: Mask | None) -> Rows:
    """Of held rows nothing is known."""
    if held is None:
        return Rows(values, version, found, np.zeros(len(found), np.bool_))
    values[held], version[held] = 0, 0
    return Rows(values, version, found & ~held, held)
