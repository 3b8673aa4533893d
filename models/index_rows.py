"""The rows of the funding engine: its cache of (index, carry, time) per market, its loader and its write-behind.

What this client of the database does when it gets no, or no good, answer:

- refused, or no answer (``Unavailable``): a load is asked again; a write is not: the next tick writes a newer value.
- a row that another transaction holds: as above, for that row alone.
- a row that is not there, or lacks a column: what ``on_missing`` says. Absent is not zero.
- compare-and-set refused: somebody else wrote, or a write of its own happened whose answer was lost. The engine cannot
  tell which, so it believes the row that came with the refusal, and goes on from there. A row that is gone it inserts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage
from drydock.models.database import LIVE, Read, Rows, Unavailable, Write
from drydock.models.database_events import IndexRowsChanged
from drydock.models.draws import lognormal_ms
from drydock.models.events import IndexPersisted, LoadCompleted
from drydock.models.perp.units import all_true, greatest
from drydock.models.seams import new_seam
from drydock.models.service import RAISE_RESTART_MS, Service

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
TABLE = "funding_index"
COLUMNS = ("index", "carry", "at_ms", "height")
INDEX, CARRY, AT_MS, HEIGHT = range(len(COLUMNS))


def genesis_rows(markets: int) -> Ints:
    """The rows of a venue's first day: no index has accrued. The clock of a run begins at 0, and so does theirs."""
    return np.zeros((markets, len(COLUMNS)), np.int64)


class IndexRows(Service):
    """A funding engine's copy of its rows, and how it gets and keeps them."""

    name = "funding"

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self._spec = world.venue.funding
        self._markets = len(world.markets.names)
        self._all = np.arange(self._markets)
        self._loader = self.sim.lane_of("funding/loader")
        self._writer = self.sim.lane_of("funding/writer")
        self._load_seam = new_seam(world.seams, "funding.load")
        self._restore_seam = new_seam(world.seams, "funding.restore")
        self._persist_seam = new_seam(world.seams, "funding.persist")
        self._index = np.zeros(self._markets, np.int64)
        self._carry = np.zeros(self._markets, np.int64)
        self._at_ms = np.zeros(self._markets, np.int64)
        self._version = np.zeros(self._markets, np.int64)
        self._is_loaded = np.zeros(self._markets, np.bool_)
        self._is_cached = np.zeros(self._markets, np.bool_)
        self._born_ms = 0
        world.database.on_untold = self._rows_changed

    def forget(self) -> None:
        """The cache is memory."""
        self._is_loaded[:] = False
        self._is_cached[:] = False

    # ---- loading ---------------------------------------------------------------------------------------------
    def _load(self, markets: Ints) -> None:
        """Asks for the rows of these markets; each arrives in its own time and reads the row as it then is."""
        stream = self.sim.rng(f"funding/load/{self.epoch}/{self.sim.now_ms}")
        usual_ms = lognormal_ms(stream.words(self._markets), self._spec.load_mean_ms, self._spec.load_sigma_ppm)
        passage = self._load_seam.through(Passage(len(markets), "load", delay_ms=usual_ms[markets]))
        for delay_ms, mask in passage.groups():
            arg = (self.epoch, markets[mask], int(passage.stale_ms[mask].max()))
            self.sim.call_in(delay_ms, self._load_arrives, arg, self._loader, "load")

    def _load_arrives(self, arg: tuple[int, Ints, int]) -> None:
        if self.is_current(arg[0]) and not self.is_held("rows", self._read_rows, arg, self._loader):
            self._read_rows(arg)

    def _read_rows(self, arg: tuple[int, Ints, int]) -> None:
        epoch, markets, stale_ms = arg
        artefact, absent = self._source()
        try:
            rows = self.world.database.transact([Read(TABLE, markets, stale_ms, artefact=artefact)], self.name)[0]
        except Unavailable:
            self._ask_again(arg)
            return
        if rows.held.any():
            self._ask_again((epoch, markets[rows.held], stale_ms))
            markets, rows = markets[~rows.held], rows.only(~rows.held)
        if markets.size:
            self._take_answer(epoch, markets, rows, absent)

    def _ask_again(self, arg: tuple[int, Ints, int]) -> None:
        self.sim.call_in(self.world.venue.database.retry_ms, self._load_arrives, arg, self._loader, "retry")

    def _source(self) -> tuple[str, Mask | None]:
        """Which artefact the rows are restored from, and which of their columns it lacks; None where none."""
        if not self._restore_seam.bends:
            return LIVE, None
        passage = self._restore_seam.through(Passage(len(COLUMNS), "columns", policy=LIVE))
        return str(passage.policy), passage.is_lost if passage.is_lost.any() else None

    def _take_answer(self, epoch: int, markets: Ints, rows: Rows, absent: Mask | None) -> None:
        found = rows.found
        if absent is not None:
            if self.policy("on_missing", self._spec.on_missing) == "default_zero":
                rows.values[:, absent] = 0
            else:
                found = np.zeros_like(found)
        self.sim.emit(LoadCompleted(self.name, epoch, markets, found.astype(np.int64)), self._loader)
        self._take_rows(markets[found], rows.values[found], rows.version[found])
        if not found.all():
            self._row_is_missing(epoch, markets[~found])

    def _take_rows(self, markets: Ints, values: Ints, version: Ints) -> None:
        self._index[markets] = values[:, INDEX]
        self._carry[markets] = values[:, CARRY]
        self._at_ms[markets] = values[:, AT_MS]
        self._version[markets] = version
        self._is_loaded[markets] = self._is_cached[markets] = True

    def _row_is_missing(self, epoch: int, markets: Ints) -> None:
        """The database has no such row, or not all of it: the documented policy decides."""
        does = self.policy("on_missing", self._spec.on_missing)
        if does == "default_zero":
            fresh = markets[~self._is_cached[markets]]
            self._start_from_default(fresh, self.clock_ms())
            self._is_loaded[markets] = True
        elif does == "raise":
            self.crash(RAISE_RESTART_MS)
        else:
            self._ask_again((epoch, markets, 0))

    def _start_from_default(self, markets: Ints, at_ms: int) -> None:
        """``state.get(market, default)``: the value of a fresh accumulator, as of a tick before ``at_ms``."""
        self._index[markets] = 0
        self._carry[markets] = 0
        self._at_ms[markets] = max(self._born_ms, at_ms - self._spec.tick_ms)
        self._version[markets] = 0
        self._is_cached[markets] = True

    # ---- write-behind ----------------------------------------------------------------------------------------
    def _write_behind(self, markets: Ints, index: Ints) -> None:
        values = np.empty((len(markets), len(COLUMNS)), np.int64)
        values[:, INDEX], values[:, CARRY] = index, self._carry[markets]
        values[:, AT_MS], values[:, HEIGHT] = self._at_ms[markets], self.world.chain.height
        arg = (self.epoch, markets, values, self._version[markets])
        if not self._persist_seam.bends:
            self.sim.call_in(self._spec.persist_ms, self._persist, arg, self._writer, "persist")
            return
        passage = self._persist_seam.through(Passage(len(markets), "persist"))
        for late_ms, mask in passage.groups():
            part = (self.epoch, markets[mask], values[mask], self._version[markets][mask])
            self.sim.call_in(self._spec.persist_ms + late_ms, self._persist, part, self._writer, "persist")

    def _persist(self, arg: tuple[int, Ints, Ints, Ints]) -> None:
        if self.is_current(arg[0]) and not self.is_held("persist", self._write_rows, arg, self._writer):
            self._write_rows(arg)

    def _write_rows(self, arg: tuple[int, Ints, Ints, Ints]) -> None:
        epoch, markets, values, version = arg
        expected = version if self._spec.compare_and_set else None
        first = max(1, greatest(values[:, AT_MS]))  # versions rise by one a tick: no row of before has come so far
        write = Write(TABLE, markets, values, expected, first_version=first)
        try:
            rows = self.world.database.transact([write], self.name)[0]
        except Unavailable:
            return  # the next tick writes a newer value
        self.sim.emit(IndexPersisted(epoch, markets, values[:, INDEX], rows.found.astype(np.int64)), self._writer)
        known = ~rows.held
        self._version[markets[known]] = rows.version[known]
        if expected is not None and not all_true(rows.found):
            self._overtaken(epoch, markets, rows)

    def _overtaken(self, epoch: int, markets: Ints, rows: Rows) -> None:
        """Compare-and-set refused: the rows that came with the refusal count. Version 0 means that there is none."""
        theirs = ~rows.found & (rows.version > 0)
        if theirs.any():
            self._take_rows(markets[theirs], rows.values[theirs], rows.version[theirs])
            found = np.ones(np.count_nonzero(theirs), np.int64)
            self.sim.emit(LoadCompleted(self.name, epoch, markets[theirs], found), self._writer)

    def _rows_changed(self, table: str, keys: Ints, values: Ints) -> None:
        """The database is other than its clients were told. Nobody in the world hears of it; laws do."""
        if table == TABLE:
            self.sim.emit(IndexRowsChanged(keys, values[:, INDEX], values[:, AT_MS]), self.sim.lane_of("database"))
