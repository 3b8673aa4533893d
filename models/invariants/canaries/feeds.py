"""Wrong builds for P3 to P5, and their controls."""

from __future__ import annotations

import numpy as np

from drydock.harness.port import Canary
from drydock.models.invariants.canaries.build import on_bench, venue_with
from drydock.models.market_data import Inputs, MarketData, OracleMessage

SILENT_FROM_MS, SILENT_UNTIL_MS = 10_000, 120_000
MANY_PAYOUTS = "population.transfers_per_hour=3600"
"""Half of them withdrawals: one every two seconds while the venue trades."""
MANY_PEOPLE = "population.accounts=100"


class OneDigitTooMany(MarketData):
    """Since the restart the last market's price comes with another number of decimals."""

    def _aggregate(self) -> Inputs | None:
        message = super()._aggregate()
        if message is not None and self.epoch > 1:
            message.spot[-1] *= 10
        return message


class SilentForAWhile(MarketData):
    """For two minutes no spot price of any market arrives: all prices grow old together."""

    def _take_spot(self, message: OracleMessage) -> None:
        if not SILENT_FROM_MS <= self.sim.now_ms < SILENT_UNTIL_MS:
            super()._take_spot(message)


class OneMarketSilent(MarketData):
    """For two minutes no spot price of the first market arrives: it grows old alone."""

    def _take_spot(self, message: OracleMessage) -> None:
        epoch, source, made_ms, row, mask = message
        if SILENT_FROM_MS <= self.sim.now_ms < SILENT_UNTIL_MS:
            mask = np.arange(len(row)) > 0
        super()._take_spot((epoch, source, made_ms, row, mask))


class OneSourceSilent(MarketData):
    """The first spot source is never heard: the build is right, the world is not."""

    def _take_spot(self, message: OracleMessage) -> None:
        if message[1] != 0:
            super()._take_spot(message)


_ONE_SOURCE = venue_with(market_data=OneSourceSilent)

CANARIES = (
    Canary(
        "P3",
        "a price comes in other units than before the restart",
        on_bench(),
        on_bench(),
        venue_with(market_data=OneDigitTooMany),
    ),
    Canary(
        "P4",
        "free collateral is reckoned with one market's price of a minute ago and the others' of now",
        on_bench(MANY_PAYOUTS, MANY_PEOPLE),
        on_bench(MANY_PAYOUTS, MANY_PEOPLE),
        venue_with(market_data=OneMarketSilent),
        venue_with(market_data=SilentForAWhile),
    ),
    Canary(
        "P5",
        "the venue promises two spot sources and goes on with one",
        on_bench("venue.declared.spot_sources_min=2"),
        on_bench("venue.declared.spot_sources_min=1"),
        _ONE_SOURCE,
        _ONE_SOURCE,
    ),
)
