"""Wrong builds of the database, each with one planted difference that two builds could have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from drydock.models.database import PRIMARY, Read, Rows, Write
from drydock.models.simulated_database import SimulatedDatabase

Ints = NDArray[np.int64]


class ReadsItsOwnWrites(SimulatedDatabase):
    """A replica that has every write at once."""

    def _read(self, read: Read) -> Rows:
        return super()._read(replace(read, server=PRIMARY, stale_ms=0) if read.is_of_standby else read)


class LosesRowVersions(SimulatedDatabase):
    """An upsert that puts the row anew: its version begins again."""

    def _write(self, write: Write) -> Rows:
        rows = super()._write(write)
        if write.expected is None:
            self._tables[write.table].version[write.keys[rows.found]] = rows.version[rows.found] = 1
        return rows


class KeepsTheTail(SimulatedDatabase):
    """Replay was paused, and the promoted one has all that it had received."""

    def _promote(self, number: int) -> None:
        """Nothing is undone."""


class CopiesOver(SimulatedDatabase):
    """A copy that goes over what a client of the bigger instance wrote (ON CONFLICT DO UPDATE)."""

    def _copy_rows(self, table: str, keys: Ints) -> Ints:
        self._tables[table].present[keys] = False
        return super()._copy_rows(table, keys)


WRONG = (ReadsItsOwnWrites, LosesRowVersions, KeepsTheTail, CopiesOver)
