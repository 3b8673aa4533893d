"""P3 to P5: prices that jump, that belong to different times, or that too few sources carry."""

from __future__ import annotations

from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.report.words import count
from drydock.models.events import BlockSealed, HealthChecked, L1Transferred, Liquidation, PricesPublished
from drydock.models.invariants.base import VenueLaw
from drydock.models.perp.units import PPM, none_true

TICKS_MAX = 1_000
"""Beyond so many missed marks a step says nothing any more (and the product stays below 2^63)."""


class Jump(VenueLaw):
    """P3: ``abs(S - S_prev) <= bound * min(S, S_prev)`` for each mark tick since the last price.

    Relative to the smaller of the two, so that a factor is as wrong as its inverse: units, decimals, another market.
    """

    id, law_class, role = "P3", "safety", "market"
    sentence = "no spot price moves further from one mark to the next than the venue believes"
    source = "Drift refuses an oracle price beyond 5 times its average; a wrong unit is a factor of ten and more"
    hears = (PricesPublished,)

    def begin(self, truth: Any) -> None:
        """The venue has been running since long, on right prices."""
        super().begin(truth)
        self._spot = truth.outside.spot(0)
        self._at_ms = 0
        self._bound_ppm: int = truth.venue.declared.price_step_ppm_max
        self._tick_ms: int = truth.venue.oracle.mark_ms

    def observe(self, event: Event) -> None:
        """Judges every market's step since the last publication."""
        spot, before = event.data.spot_quantums, self._spot
        ticks = min(max(1, -(-(event.at_ms - self._at_ms) // self._tick_ms)), TICKS_MAX)
        self._checks += 1
        over = np.abs(spot - before) * PPM > np.minimum(spot, before) * (self._bound_ppm * ticks)
        if not none_true(over):
            market = int(np.flatnonzero(over)[0])
            self.find(
                event.at_ms,
                f"jump of {count(int(over.sum()), 'spot price')}: {self.name(market)} from {int(before[market])} to "
                f"{int(spot[market])} price quantums within {count(ticks, 'mark')}",
                event.identity,
            )
        self._spot, self._at_ms = spot, event.at_ms


class Skew(VenueLaw):
    """P4: ``max ts - min ts <= limit`` over the prices of one margin calculation that something came of.

    These are the liquidations, and the payouts, which need free collateral: prices of the markets that the account
    holds. A check that comes to nothing used its prices for nothing.
    """

    id, law_class = "P4", "safety"
    sentence = "the prices of one margin calculation are of one time, within the declared spread"
    source = "GMX v2, Oracle.sol: at most 60 s between the timestamps of the prices of one transaction"
    hears = (PricesPublished, BlockSealed, HealthChecked, Liquidation, L1Transferred)

    def begin(self, truth: Any) -> None:
        """All prices are of now."""
        super().begin(truth)
        self._limit_ms: int = truth.venue.declared.price_skew_ms_max
        self._layout = truth.start_holdings.layout
        self._size = truth.start_holdings.size
        self._ages_ms = np.zeros(1, np.int64)

    def observe(self, event: Event) -> None:
        """Judges whoever is liquidated or paid out."""
        data = event.data
        if isinstance(data, PricesPublished):
            self._ages_ms = data.age_ms
        elif isinstance(data, BlockSealed):
            self._size = data.view.size
        elif isinstance(data, HealthChecked):
            self._checks += 1
        elif isinstance(data, Liquidation) or data.amount_quantums < 0:
            self._judge(event, "liquidated" if isinstance(data, Liquidation) else "paid out", data.account)

    def _judge(self, event: Event, what: str, account: int) -> None:
        ages_ms = self._ages_ms
        self._checks += 1
        if int(ages_ms.max()) - int(ages_ms.min()) <= self._limit_ms:
            return
        slots = self._layout.slots_of_one(account)
        size, market = self._size[slots.start : slots.stop], self._layout.market[slots.start : slots.stop]
        held_ms = ages_ms[market[size != 0]]
        if held_ms.size:
            skew_ms = int(held_ms.max()) - int(held_ms.min())
            if skew_ms > self._limit_ms:
                told = f"account {account} is {what} on prices {skew_ms} ms apart; {self._limit_ms} ms are allowed"
                self.find(event.at_ms, told, event.identity, role=self.who(account))


class Quorum(VenueLaw):
    """P5: a price that counts as fresh rests on at least the declared number of live spot sources.

    Live is a source whose newest value is no older than the venue declares for a fill. A price that says itself that it
    is older is P2's business, when it is used.
    """

    id, law_class, role = "P5", "safety", "market"
    sentence = "no price counts as fresh unless as many sources are live as the venue declares"
    source = "dYdX, October 2025: after the restart two thirds of the stake had no live price source"
    hears = (PricesPublished,)

    def begin(self, truth: Any) -> None:
        """Takes what is declared."""
        super().begin(truth)
        declared = truth.venue.declared
        self._least: int = declared.spot_sources_min
        self._fresh_ms: int = declared.fill_price_age_ms

    def observe(self, event: Event) -> None:
        """Judges every market."""
        data = event.data
        self._checks += 1
        if data.live_sources.min() >= self._least:
            return
        few = np.flatnonzero((data.live_sources < self._least) & (data.age_ms <= self._fresh_ms))
        if few.size:
            market = int(few[0])
            self.find(
                event.at_ms,
                f"{count(few.size, 'price')} taken as fresh from too few live sources; {self.name(market)} has "
                f"{int(data.live_sources[market])} of at least {self._least}",
                event.identity,
            )
