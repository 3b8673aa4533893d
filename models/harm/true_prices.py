"""True prices as the ledger needs them: of one market, and how far one may be off before it counts as wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.models.perp.mark import mark_price
from drydock.models.perp.units import PPM

if TYPE_CHECKING:
    from drydock.models.truth import Truth

Ints = NDArray[np.int64]
SLIP_PPM = 3_000
"""[A] 30 bps: the depth of a usual book. A market order that pays more has met a thin one."""


class TruePrices:
    """Asks the truth about the declared window ``[t - staleness_ms_max, t]``: a venue may be so late."""

    def __init__(self, truth: Truth) -> None:
        declared, oracle = truth.venue.declared, truth.venue.oracle
        self._outside = truth.outside
        self._staleness_ms = declared.staleness_ms_max
        self._rate_step_ms = oracle.external_tick_ms
        self._band_ppm = declared.mark_band_ppm
        self.tolerance_ppm = declared.mark_band_ppm + SLIP_PPM

    def window(self, at_ms: int, market: int) -> tuple[int, int]:
        """The lowest and the highest true mark of the window: a spot and external rates of any of its instants."""
        since_ms, outside = max(0, at_ms - self._staleness_ms), self._outside
        low, high = (int(bound[market]) for bound in outside.spot_range(since_ms, at_ms))
        times_ms = (*range(since_ms, at_ms, self._rate_step_ms), at_ms)
        rates = [int(outside.median_rate(t)[market]) for t in times_ms]
        return low + low * min(rates) // PPM, high + high * max(rates) // PPM

    def was_reached(self, at_ms: int, market: int, price: int, *, is_above: bool) -> bool:
        """Whether the true mark, give or take the declared band of marks, rose (fell) to a price in the window."""
        low, high = self.window(at_ms, market)
        if is_above:
            return high + high * self._band_ppm // PPM >= price
        return low - low * self._band_ppm // PPM <= price

    def outside_by(self, at_ms: int, market: int, price: int) -> int:
        """How far a price lies above (positive) or below what true marks of the window and the tolerance explain."""
        true = self._outside.mark_one(at_ms, market)
        if price == true or abs(price - true) * PPM <= true * self.tolerance_ppm:
            return 0
        low, high = self.window(at_ms, market)
        low, high = low - low * self.tolerance_ppm // PPM, high + high * self.tolerance_ppm // PPM
        return max(0, price - high) + min(0, price - low)

    def mark(self, at_ms: int) -> Ints:
        """The true mark of every market."""
        return mark_price(self._outside.spot(at_ms), self._outside.median_rate(at_ms))

    def mark_one(self, at_ms: int, market: int) -> int:
        """The true mark of one market."""
        return self._outside.mark_one(at_ms, market)
