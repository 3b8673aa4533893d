"""The funding engine: when a restarted one may tick, what it ticks, and how it publishes.

This is where the night of 19 January 2026 began. A restarted engine reads its rows one market at a time, each in its
own time; a tick that comes first finds some of them missing. What it then does is two decisions of the venue: *when may
it tick* (``readiness``) and *what is a market without its row* (``on_missing``). With ``process_up`` and
``default_zero`` it continues from zero, publishes that, and persists it over the row that the loader had yet to read.
Loader and write-behind are in ``index_rows.py``. Nothing here writes a wrong value; it is what this engine does in that
order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage
from drydock.harness.sim import Steps
from drydock.models.beat import Beat
from drydock.models.chain import IndexTx
from drydock.models.database import Read
from drydock.models.events import IndexPublished, LoadCompleted, TickPaused, TickRejected
from drydock.models.index_rows import TABLE, IndexRows
from drydock.models.market_data import PriceMessage
from drydock.models.perp.funding import accrue, funding_rate_ppm, interest_ppm, max_step
from drydock.models.perp.units import all_true, greatest, least
from drydock.models.seams import new_seam
from drydock.models.service import RAISE_RESTART_MS

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]
PUBLISH_MS = 5


class FundingEngine(IndexRows):
    """Ticker and publisher of one engine, beside its rows."""

    boot_steps = ("process_up", "connect", "load", "verify")

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self._interest = interest_ppm(world.markets.period_ms)
        self._ticker = self.sim.lane_of("funding/ticker")
        self._beat = Beat(self, "tick", self._ticker, self._tick, self._spec.tick_ms)
        self._bus = self.sim.lane_of("funding/bus")
        self._publish_seam = new_seam(world.seams, "funding.publish")
        self._prices: PriceMessage | None = None

    # ---- life ------------------------------------------------------------------------------------------------
    def begin_ready(self) -> None:
        """Before the night: every row loaded, ticking one second after the marks."""
        self.epoch += 1
        self.state = "ready"
        rows = self.world.database.transact([Read(TABLE, self._all)], self.name)[0]
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
        """The cache and the last prices are memory."""
        super().forget()
        self._prices = None

    def on_prices(self, message: PriceMessage) -> None:
        """Market data's prices arrive."""
        if self.is_running and not self.is_held("prices", self._take_prices, message, self._bus):
            self._take_prices(message)

    def _take_prices(self, message: PriceMessage) -> None:
        self._prices = message

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
        if self.known is not None:
            return np.flatnonzero(self._is_cached & self.known)
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
        gap_cap_ms = self._gap_cap_ms(dt_ms)
        index, carry = accrue(
            self._index[rows], self._carry[rows], rate, prices.spot[rows], dt_ms, facts.period_ms[rows], gap_cap_ms,
        )  # fmt: skip
        if validation is not None and not self._is_valid(markets, index, prices.spot, at_ms):
            self._is_cached &= self._is_loaded
            return
        self._index[rows], self._carry[rows] = index, carry
        self._at_ms[rows] = at_ms
        self._publish(markets, index, dt_ms, self.sim.now_ms - least(prices.made_ms))

    def _gap_cap_ms(self, dt_ms: Ints) -> int | None:
        """The longest gap over which this tick accrues: the engine's own cap, or G2's, which holds without it."""
        own_ms, validation = self._spec.gap_cap_ms, self.world.venue.safeguards.data_validation
        if own_ms is not None and greatest(dt_ms) > own_ms:
            own_ms = self.policy("gap_cap_ms", own_ms)
        return own_ms if validation is None else validation.gap_cap_ms

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
        refused = bool(over or missing) or world.guards.misfires("data_validation")
        if refused:
            self.sim.emit(TickRejected(over, missing), self._ticker)
        return not refused

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
