"""Shadow truth: what prices and indices really were. Laws and the ledger know it; nobody in the world does.

Spot and external prices are exogenous and exact. The truth index is the documented formula applied to them at every
funding tick, downtime included; a venue that does not accrue while it is down may differ by what the true rate accrues
in that time, which is the stated band (``index_band_ppm`` of spot).
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.models.accounts import Holdings
from drydock.models.markets import Markets
from drydock.models.people_spec import Population
from drydock.models.perp.funding import accrue, funding_rate_ppm, interest_ppm
from drydock.models.perp.mark import mark_price, median_of_all
from drydock.models.runbook_spec import Runbook
from drydock.models.venue import Venue

if TYPE_CHECKING:
    from drydock.models.population import Intents
    from drydock.models.shadow import Shadow
    from drydock.models.watch import IndexWatch

Ints = NDArray[np.int64]
DrawWhole = Callable[[], tuple[Ints, Ints]]
FOR_EVER = 1 << 62
TICKS_AT_ONCE = 64
"""So many ticks of the truth index are accrued together: one by one they cost a tenth of a night."""
MARKS_AT_ONCE = 64
PRODUCT_MAX = 1 << 47
"""The bound on rate * spot from which ``accrue`` is exact."""


class Outside:
    """The outside world of one run: ``spot(t)``, ``rates(t)`` by venue, piecewise constant between oracle ticks.

    The arrays may be the beginning only; ``whole`` then draws all of the night, the same beginning included, when a
    later time is first asked for. Most nights end long before the longest would.
    """

    def __init__(
        self, spot: Ints, rates_ppm: Ints, step_ms: int, rate_step_ms: int, whole: DrawWhole | None = None
    ) -> None:
        self._spot = spot
        self._rates = rates_ppm
        self._step_ms = step_ms
        self._rate_step_ms = rate_step_ms
        self._whole = whole
        self._known_ms = min(len(spot) * step_ms, len(rates_ppm) * rate_step_ms) if whole else FOR_EVER
        self._median_step = -1
        self._fine_ms = gcd(step_ms, rate_step_ms)
        self._chunk = -1
        self._marks: list[list[int]] = []
        self._median: Ints
        self._mark_steps = (-1, -1)
        self._mark: Ints

    def _draw_whole(self) -> None:
        assert self._whole is not None
        self._spot, self._rates = self._whole()
        self._known_ms = FOR_EVER

    def spot(self, at_ms: int) -> Ints:
        """Spot price of every market (price quantums) at a time; first and last row stand for all before and after."""
        if at_ms >= self._known_ms:
            self._draw_whole()
        row: Ints = self._spot[min(max(0, at_ms) // self._step_ms, len(self._spot) - 1)]
        return row

    def spot_range(self, since_ms: int, until_ms: int) -> tuple[Ints, Ints]:
        """The lowest and the highest spot price of every market in a span of time, both ends included."""
        if until_ms >= self._known_ms:
            self._draw_whole()
        last = len(self._spot) - 1
        rows = self._spot[min(max(0, since_ms) // self._step_ms, last) : min(until_ms // self._step_ms, last) + 1]
        return np.minimum.reduce(rows), np.maximum.reduce(rows)

    def rates(self, at_ms: int, venue: int) -> Ints:
        """The external venue's rate (mark over index minus one, ppm) of every market."""
        if at_ms >= self._known_ms:
            self._draw_whole()
        row: Ints = self._rates[min(max(0, at_ms) // self._rate_step_ms, len(self._rates) - 1), venue]
        return row

    def median_rate(self, at_ms: int) -> Ints:
        """Median of the external rates, all venues present; the last answer is kept for the rest of its step."""
        if at_ms >= self._known_ms:
            self._draw_whole()
        step = min(max(0, at_ms) // self._rate_step_ms, len(self._rates) - 1)
        if step != self._median_step:
            self._median_step, self._median = step, median_of_all(self._rates[step])
        return self._median

    def products(self, at_ms: Ints, rate_of: Callable[[Ints], Ints]) -> Ints:
        """Rate times spot at each of these rising times, ``[time, market]``; ``rate_of`` makes a rate of a median."""
        if int(at_ms[-1]) >= self._known_ms:
            self._draw_whole()
        votes = self._rates[np.minimum(at_ms // self._rate_step_ms, len(self._rates) - 1)]
        spot = self._spot[np.minimum(at_ms // self._step_ms, len(self._spot) - 1)]
        return rate_of(median_of_all(votes.swapaxes(0, 1))) * spot

    def mark_one(self, at_ms: int, market: int) -> int:
        """The true mark of one market; marks are worked out for sixty-four instants at once."""
        chunk, row = divmod(at_ms // self._fine_ms, MARKS_AT_ONCE)
        if chunk != self._chunk:
            self._chunk, self._marks = chunk, self._marks_of(chunk)
        return self._marks[row][market]

    def _marks_of(self, chunk: int) -> list[list[int]]:
        at_ms = np.arange(chunk * MARKS_AT_ONCE, (chunk + 1) * MARKS_AT_ONCE) * self._fine_ms
        if int(at_ms[-1]) >= self._known_ms:
            self._draw_whole()
        spot = self._spot[np.minimum(at_ms // self._step_ms, len(self._spot) - 1)]
        votes = self._rates[np.minimum(at_ms // self._rate_step_ms, len(self._rates) - 1)]
        marks: list[list[int]] = mark_price(spot, median_of_all(votes.swapaxes(0, 1))).tolist()
        return marks

    def mark_each(self, at_ms: Ints, markets: Ints) -> Ints:
        """The true marks of these markets, each at a time of its own."""
        if int(at_ms.max()) >= self._known_ms:
            self._draw_whole()
        spot = self._spot[np.minimum(at_ms // self._step_ms, len(self._spot) - 1), markets]
        votes = self._rates[np.minimum(at_ms // self._rate_step_ms, len(self._rates) - 1), :, markets]
        return mark_price(spot, median_of_all(votes.T))

    def mark(self, at_ms: int) -> Ints:
        """The true mark: spot times one plus the median external rate. Read-only: the last answer is kept."""
        steps = at_ms // self._step_ms, at_ms // self._rate_step_ms
        if steps != self._mark_steps:
            self._mark = mark_price(self.spot(at_ms), self.median_rate(at_ms))
            self._mark.setflags(write=False)
            self._mark_steps = steps
        return self._mark


class Truth:
    """What laws may ask: true mark and index at a time, and the declared data they judge by."""

    index_band_ppm = 200
    """How far a right index may be from the truth index, in ppm of spot: an hour of downtime at 16 bps per 8 h."""

    def __init__(
        self,
        venue: Venue,
        runbook: Runbook,
        population: Population,
        markets: Markets,
        outside: Outside,
        holdings: Holdings,
        index: Ints,
    ) -> None:
        self.venue = venue
        self.runbook = runbook
        self.population = population
        self.start_holdings = holdings.copy()
        self.markets = markets
        self.outside = outside
        self.start_index = index.copy()
        self.shadow: Shadow
        self.watch: IndexWatch
        self.intents: Intents
        self._rows = [index.copy()]
        self._carry = np.zeros_like(index)
        self._interest_ppm = interest_ppm(markets.period_ms)

    def mark(self, at_ms: int) -> Ints:
        """True mark of every market (price quantums)."""
        return self.outside.mark(at_ms)

    def index(self, at_ms: int) -> Ints:
        """Truth index of every market (index units) after the last funding tick at or before a time."""
        tick_ms = self.venue.funding.tick_ms
        wanted = at_ms // tick_ms
        while len(self._rows) <= wanted:
            self._accrue_ticks(TICKS_AT_ONCE)
        return self._rows[wanted]

    def _accrue_ticks(self, count: int) -> None:
        """The next ticks at once: accrual loses nothing, so each row follows from a sum of rate * spot."""
        spec, markets, first = self.venue.funding, self.markets, len(self._rows)
        at_ms = np.arange(first, first + count) * spec.tick_ms
        total = np.cumsum(self.outside.products(at_ms, self._rate_ppm), axis=0)
        try:
            if int(np.abs(total).max()) >= PRODUCT_MAX:
                raise OverflowError(f"rate * spot of {count} ticks sums to {int(np.abs(total).max())}")
            rows, carries = accrue(
                self._rows[-1], self._carry, total, np.ones_like(self._carry), spec.tick_ms, markets.period_ms
            )
        except OverflowError:
            if count == 1:
                raise
            self._accrue_ticks(1)
        else:
            self._rows += list(rows)
            self._carry = carries[-1]

    def _rate_ppm(self, median: Ints) -> Ints:
        clamp_ppm, cap_ppm = self.venue.funding.clamp_ppm, self.markets.rate_cap_ppm
        return funding_rate_ppm(median, self._interest_ppm, clamp_ppm, cap_ppm)
