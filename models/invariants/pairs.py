"""P8: values and the times that they bear."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from drydock.harness.event import Event
from drydock.harness.report.words import count
from drydock.models.accounts import Ints
from drydock.models.events import IndexPublished, PricesPublished, RollbackDone
from drydock.models.invariants.base import VenueLaw
from drydock.models.perp.funding import max_step
from drydock.models.perp.units import none_true

NOTHING = np.iinfo(np.int64).min


class Firings(NamedTuple):
    """What was published at one instant (a burst makes up for several slots): by market, over all of it."""

    event: Event
    indices: Ints
    dt_ms: Ints
    before_ms: Ints


class PairAtomicity(VenueLaw):
    """P8: ``(value, time)`` of what is extrapolated was committed together.

    A tick accrues from an index and the time of that index: at that time this index was published, or the night began
    or was rolled back with it. An index within one tick of zero is F3's business, a pair that the engine itself has
    just published F1's. Two clocks of a venue never agree to the millisecond: times are the same that differ by no
    more than the venue declares of its clocks. And a price all of whose sources are older than declared was a price
    back then: the outside world knows whether the number is as old as its time. (That it is not older, P2 asks.)
    """

    id, law_class, role = "P8", "safety", "market"
    sentence = "a value that is extrapolated, and the time that it bears, were committed together"
    source = "capped and extrapolated inputs (StarkEx funding ticks, price caps): half a pair passes every bound"
    hears = (IndexPublished, RollbackDone, PricesPublished)

    def begin(self, truth: Any) -> None:
        """The night begins with every index as of its first millisecond."""
        super().begin(truth)
        self._rows: dict[int, Ints] = {0: truth.start_index.copy()}
        self._open: Firings | None = None
        self._skew_ms: int = truth.venue.declared.clock_skew_ms_max
        self._old_ms: int = truth.venue.declared.fill_price_age_ms
        self._step_ms: int = truth.venue.oracle.tick_ms

    def observe(self, event: Event) -> None:
        """Follows the pairs; judges those of an instant when it is over."""
        data = event.data
        if isinstance(data, PricesPublished):
            self._checks += 1
            if data.live_sources.min() == 0:
                self._judge_prices(event, data)
            return
        if self._open is not None and self._open.event.at_ms != event.at_ms:
            self._close()
        if isinstance(data, RollbackDone):
            self._rows[event.at_ms] = self.truth.watch.index.copy()
        else:
            self._follow(event, data)

    def end(self) -> Any:
        """Judges the last instant."""
        self._close()
        return super().end()

    # ---- indices -------------------------------------------------------------------------------------------------
    def _follow(self, event: Event, data: IndexPublished) -> None:
        self._checks += 1
        before_ms, markets = self.truth.watch.before_ms, data.markets
        count = len(self.truth.markets)
        row = self._rows.get(event.at_ms)
        if len(markets) == count and row is None:
            self._rows[event.at_ms] = data.indices
        else:
            row = np.full(count, NOTHING) if row is None else row.copy()
            row[markets] = data.indices
            self._rows[event.at_ms] = row
        if self._open is None and none_true(event.at_ms - data.dt_ms != before_ms):
            return  # every ordinary tick: from what it published last
        if self._open is None:
            empty = np.full(count, NOTHING)
            self._open = Firings(event, empty, np.zeros(count, np.int64), empty.copy())
        firings = self._open = self._open._replace(event=event)
        is_first = firings.indices[markets] == NOTHING
        firings.before_ms[markets] = np.where(is_first, before_ms, firings.before_ms[markets])
        firings.indices[markets] = data.indices
        firings.dt_ms[markets] += data.dt_ms

    def _close(self) -> None:
        firings, self._open = self._open, None
        if firings is None:
            return
        base_ms = firings.event.at_ms - firings.dt_ms
        is_new = (firings.indices != NOTHING) & (np.abs(base_ms - firings.before_ms) > self._skew_ms)
        is_new &= np.abs(firings.indices) > self.truth.watch.small
        for at_ms in np.unique(base_ms[is_new]).tolist():
            self._judge(firings, at_ms, np.flatnonzero(is_new & (base_ms == at_ms)))

    def _judge(self, firings: Firings, base_ms: int, markets: Ints) -> None:
        """These markets accrued from an index of ``base_ms``: was there one, and could it be this one."""
        at_ms, row, told = firings.event.at_ms, self._row_near(base_ms), "no index was committed"
        torn = markets if row is None else markets[row[markets] == NOTHING]
        if row is not None and not torn.size:
            torn, told = markets[self._is_far(firings, base_ms, row, markets)], "another index was committed"
        if torn.size:
            self.find(
                at_ms,
                f"{count(torn.size, 'index', 'indices')} accrued from {at_ms - base_ms} ms ago, at which time {told}; "
                f"first {self.name(int(torn[0]))}",
                firings.event.identity,
            )

    def _row_near(self, base_ms: int) -> Ints | None:
        """What was committed at that time, as well as clocks can tell; None where nothing was."""
        nearest_ms = min(self._rows, key=lambda at_ms: abs(at_ms - base_ms))
        return self._rows[nearest_ms] if abs(nearest_ms - base_ms) <= self._skew_ms else None

    def _is_far(self, firings: Firings, base_ms: int, row: Ints, markets: Ints) -> Any:
        facts, outside = self.truth.markets, self.truth.outside
        spot = np.maximum(outside.spot(firings.event.at_ms), outside.spot(max(0, base_ms)))[markets]
        bound = max_step(
            facts.rate_cap_ppm[markets], spot + spot // 10, firings.dt_ms[markets], facts.period_ms[markets]
        )
        return np.abs(firings.indices[markets] - row[markets]) > bound + self.truth.watch.small[markets]

    # ---- prices --------------------------------------------------------------------------------------------------
    def _judge_prices(self, event: Event, data: PricesPublished) -> None:
        old = np.flatnonzero((data.live_sources == 0) & (data.age_ms > self._old_ms))
        if not old.size:
            return
        since_ms = event.at_ms - int(data.age_ms[old].max()) - self._step_ms
        low, high = self.truth.outside.spot_range(since_ms, max(0, event.at_ms - self._old_ms))
        spot = data.spot_quantums
        torn = old[(spot[old] < low[old]) | (spot[old] > high[old])]
        if torn.size:
            self.find(
                event.at_ms,
                f"{count(torn.size, 'price')} with the time of an older price, first {self.name(int(torn[0]))}",
                event.identity,
            )
