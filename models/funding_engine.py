"""The funding engine: loads (index, carry, time) per market, ticks, publishes, writes behind.

This is where the night of 19 January 2026 began. A restarted engine reads its rows one market at a time, each in its
own time; a tick that comes first finds some of them missing. What it then does is two decisions of the venue: *when may
it tick* (``readiness``) and *what is a market without its row* (``on_missing``). With ``process_up`` and
``default_zero`` it continues from zero, publishes that, and persists it over the row that the loader had yet to read.
Nothing here writes a wrong value; it is what this engine does in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage
from drydock.harness.sim import Steps
from drydock.models.beat import Beat
from drydock.models.chain import IndexTx
from drydock.models.database import Read, Unavailable, Write
from drydock.models.draws import lognormal_ms
from drydock.models.events import IndexPersisted, IndexPublished, LoadCompleted, TickPaused, TickRejected
from drydock.models.market_data import PriceMessage
from drydock.models.perp.funding import accrue, funding_rate_ppm, interest_ppm, max_step
from drydock.models.perp.units import all_true, least
from drydock.models.seams import new_seam
from drydock.models.service import RAISE_RESTART_MS, Service

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
TABLE = "funding_index"
INDEX, CARRY, AT_MS, HEIGHT = range(4)
PUBLISH_MS = 5


class FundingEngine(Service):
    """Cache, loader, ticker, publisher and write-behind of one engine."""

    name = "funding"
    boot_steps = ("process_up", "connect", "load", "verify")

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self._spec = world.venue.funding
        self._markets = len(world.markets.names)
        self._all = np.arange(self._markets)
        self._interest = interest_ppm(world.markets.period_ms)
        self._ticker = self.sim.lane_of("funding/ticker")
        self._beat = Beat(self, "tick", self._ticker, self._tick, self._spec.tick_ms)
        self._loader = self.sim.lane_of("funding/loader")
        self._writer = self.sim.lane_of("funding/writer")
        self._bus = self.sim.lane_of("funding/bus")
        self._load_seam = new_seam(world.seams, "funding.load")
        self._publish_seam = new_seam(world.seams, "funding.publish")
        self._persist_seam = new_seam(world.seams, "funding.persist")
        self._prices: PriceMessage | None = None
        self._index = np.zeros(self._markets, np.int64)
        self._carry = np.zeros(self._markets, np.int64)
        self._at_ms = np.zeros(self._markets, np.int64)
        self._version = np.zeros(self._markets, np.int64)
        self._is_loaded = np.zeros(self._markets, np.bool_)
        self._is_cached = np.zeros(self._markets, np.bool_)
        self._born_ms = 0

    # ---- life ------------------------------------------------------------------------------------------------
    def begin_ready(self) -> None:
        """Before the night: every row loaded, ticking one second after the marks."""
        self.epoch += 1
        self.state = "ready"
        rows = self.world.database.transact([Read(TABLE, self._all)])[0]
        self._take_rows(self._all, rows.values, rows.version)
        self.sim.emit(LoadCompleted(self.name, self.epoch, self._all, np.ones(self._markets, np.int64)), self._loader)
        self._beat.begin(1_000)

    def boot_step(self, step: str) -> Steps:
        """Connecting waits for the database, loading for every row, verifying for indices equal to the chain's."""
        yield from super().boot_step(step)
        if step == "process_up":
            self._born_ms = self.clock_ms()
        elif step == "connect":
            if self._spec.readiness in ("process_up", "per_market_loaded") and not self.is_ready:
                self._enter("up")
                self.become_ready()
            while not self.world.database.accepts_connections:
                yield self.sim.sleep(self.world.venue.database.retry_ms, "connect")
        elif step == "load":
            self._load(self._all)
            while not self._is_loaded.all():
                yield self.sim.sleep(100, "load")
        elif step == "verify" and self._spec.readiness == "checksum_verified":
            while (suspects := self._differs_from_chain()).size:
                self._is_loaded[suspects] = False
                yield self.sim.sleep(self.world.venue.database.retry_ms, "verify")
                self._load(suspects)
                while not self._is_loaded.all():
                    yield self.sim.sleep(100, "load")

    def on_ready(self) -> None:
        """The first tick comes a full period after the engine may tick."""
        self._beat.begin(self._spec.tick_ms)

    def forget(self) -> None:
        """The cache is memory."""
        self._is_loaded[:] = False
        self._is_cached[:] = False
        self._prices = None

    def on_prices(self, message: PriceMessage) -> None:
        """Market data's prices arrive."""
        if self.is_running and not self.is_held("prices", self._take_prices, message, self._bus):
            self._take_prices(message)

    def _take_prices(self, message: PriceMessage) -> None:
        self._prices = message

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
        epoch, markets, stale_ms = arg
        if not self.is_current(epoch):
            return
        try:
            rows = self.world.database.transact([Read(TABLE, markets, stale_ms)])[0]
        except Unavailable:
            self.sim.call_in(self.world.venue.database.retry_ms, self._load_arrives, arg, self._loader, "retry")
            return
        self.sim.emit(LoadCompleted(self.name, epoch, markets, rows.found.astype(np.int64)), self._loader)
        self._take_rows(markets[rows.found], rows.values[rows.found], rows.version[rows.found])
        if not rows.found.all():
            self._row_is_missing(epoch, markets[~rows.found])

    def _take_rows(self, markets: Ints, values: Ints, version: Ints) -> None:
        self._index[markets] = values[:, INDEX]
        self._carry[markets] = values[:, CARRY]
        self._at_ms[markets] = values[:, AT_MS]
        self._version[markets] = version
        self._is_loaded[markets] = self._is_cached[markets] = True

    def _row_is_missing(self, epoch: int, markets: Ints) -> None:
        """The database has no such row: the documented policy decides."""
        does = self.policy("on_missing", self._spec.on_missing)
        if does == "default_zero":
            fresh = markets[~self._is_cached[markets]]
            self._start_from_default(fresh, self.clock_ms())
            self._is_loaded[markets] = True
        elif does == "raise":
            self.crash(RAISE_RESTART_MS)
        else:
            retry = (epoch, markets, 0)
            self.sim.call_in(self.world.venue.database.retry_ms, self._load_arrives, retry, self._loader, "retry")

    def _start_from_default(self, markets: Ints, at_ms: int) -> None:
        """``state.get(market, default)``: the value of a fresh accumulator, as of a tick before ``at_ms``."""
        self._index[markets] = 0
        self._carry[markets] = 0
        self._at_ms[markets] = max(self._born_ms, at_ms - self._spec.tick_ms)
        self._version[markets] = 0
        self._is_cached[markets] = True

    def _differs_from_chain(self) -> Ints:
        """Markets whose loaded index is further from the chain's than the cap allows for their difference in age."""
        chain = self.world.chain
        apart_ms = np.abs(chain.index_ms - self._at_ms) + self._spec.tick_ms
        bound = max_step(self.world.markets.rate_cap_ppm, chain.mark, apart_ms, self.world.markets.period_ms)
        return np.flatnonzero(np.abs(self._index - chain.index) > bound)

    # ---- ticking ---------------------------------------------------------------------------------------------
    def _tick(self, at_ms: int) -> None:
        prices = self._prices or self.world.market_data.last
        if prices is None or self._is_paused(least(prices.made_ms)):
            return
        markets = self._tickable(at_ms)
        if markets is not None and markets.size:
            self._accrue(markets, prices, at_ms)

    def _is_paused(self, made_ms: int) -> bool:
        """Whether prices are too old for a tick. What then, the policy says; ``default_zero`` takes their age for 0."""
        pause_ms = self.world.venue.safeguards.funding_pause_ms
        freshness = self.world.venue.safeguards.price_freshness
        limit_ms = pause_ms if pause_ms is not None else freshness.funding_ms if freshness is not None else None
        age_ms = self.clock_ms() - made_ms
        if limit_ms is None or age_ms <= limit_ms:
            return False
        does = self.policy("on_stale", "skip")
        if does == "raise":
            self.crash(RAISE_RESTART_MS)
        elif does == "skip":
            self.sim.emit(TickPaused(age_ms), self._ticker)
        return does != "default_zero"

    def _tickable(self, at_ms: int) -> Ints | None:
        """The markets that this tick covers; None where the policy lets the process die of a missing row."""
        if all_true(self._is_cached):
            return self._all
        missing = np.flatnonzero(~self._is_cached)
        does = self.policy("on_missing", self._spec.on_missing)
        if self._spec.readiness == "per_market_loaded" or does == "skip":
            return np.flatnonzero(self._is_cached)
        if does == "raise":
            self.crash(RAISE_RESTART_MS)
            return None
        self._start_from_default(missing, at_ms)
        return self._all

    def _accrue(self, markets: Ints, prices: PriceMessage, at_ms: int) -> None:
        facts = self.world.markets
        rows = slice(None) if markets is self._all else markets  # the same rows, without gathering them
        dt_ms = np.maximum(at_ms - self._at_ms[rows], 0)  # a clock that was put back: no time has passed
        rate = funding_rate_ppm(
            prices.basis_ppm[rows], self._interest[rows], self._spec.clamp_ppm, facts.rate_cap_ppm[rows]
        )
        validation = self.world.venue.safeguards.data_validation
        gap_cap_ms = self.policy("gap_cap_ms", self._spec.gap_cap_ms)
        if validation is not None:
            gap_cap_ms = validation.gap_cap_ms
        index, carry = accrue(
            self._index[rows], self._carry[rows], rate, prices.spot[rows], dt_ms, facts.period_ms[rows], gap_cap_ms,
        )  # fmt: skip
        if validation is not None and not self._is_valid(markets, index, prices.spot, at_ms):
            self._is_cached &= self._is_loaded
            return
        self._index[rows], self._carry[rows] = index, carry
        self._at_ms[rows] = at_ms
        self._publish(markets, index, dt_ms, self.sim.now_ms - least(prices.made_ms))

    def _is_valid(self, markets: Ints, index: Ints, spot: Ints, at_ms: int) -> bool:
        """G1 and G2 against the chain, which is the source of truth; a tick is good or refused whole.

        A tick for a time that is over steps too far, however little that is: its slot was missed.
        """
        world, validation = self.world, self.world.venue.safeguards.data_validation
        assert validation is not None
        now_ms = self.clock_ms()
        if now_ms - at_ms >= self._spec.tick_ms:
            self.sim.emit(TickRejected(len(markets), 0), self._ticker)
            return False
        dt_ms = np.minimum(now_ms - world.chain.index_ms[markets], validation.gap_cap_ms)
        dt_ms = np.maximum(dt_ms, self._spec.tick_ms)
        bound = max_step(validation.rate_ppm_max, spot[markets], dt_ms, world.markets.period_ms[markets])
        over = int((np.abs(index - world.chain.index[markets]) > bound).sum())
        missing = self._markets - len(markets)
        if over or missing:
            self.sim.emit(TickRejected(over, missing), self._ticker)
        return not (over or missing)

    # ---- publishing and write-behind ---------------------------------------------------------------------------
    def _publish(self, markets: Ints, index: Ints, dt_ms: Ints, price_age_ms: int) -> None:
        self.sim.emit(IndexPublished(self.epoch, markets, index, dt_ms, price_age_ms), self._ticker)
        if not self._publish_seam.bends:
            self.sim.call_in(PUBLISH_MS, self._deliver, (markets, index), self._bus, "indices")
        else:
            passage = self._publish_seam.through(Passage(len(markets), "indices"))
            for late_ms, mask in passage.groups():
                part = (markets[mask], index[mask])
                self.sim.call_in(PUBLISH_MS + late_ms, self._deliver, part, self._bus, "indices")
        self._write_behind(markets, index)

    def _deliver(self, message: tuple[Ints, Ints]) -> None:
        markets, index = message
        self.world.cloud.on_index(markets, index)
        self.world.cloud.send(IndexTx(markets, index))

    def _write_behind(self, markets: Ints, index: Ints) -> None:
        values = np.empty((len(markets), 4), np.int64)
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
        epoch, markets, values, version = arg
        if not self.is_current(epoch):
            return
        expected = version if self._spec.compare_and_set else None
        try:
            rows = self.world.database.transact([Write(TABLE, markets, values, expected)])[0]
        except Unavailable:
            return  # the next tick writes a newer value
        self._version[markets] = rows.version
        self.sim.emit(IndexPersisted(epoch, markets, values[:, INDEX], rows.found.astype(np.int64)), self._writer)
