"""Wrong builds for P6 and P7, and their controls."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.invariants.canaries.build import WITH_BOOK, on_bench, venue_with
from drydock.models.market_data import MarketData, OracleMessage

RATES_STOP_MS = 60_000
HOLE_IN_THE_LADDER = (
    "population.traders.maker_levels_ppm=[300, 300000]",
    "population.traders.limit_ppm=0",
    "venue.declared.mark_per_order_ppm_max=50bps",
)
"""The only maker quotes 3 bps from the outside price, and next 30 %, beyond every price band: behind each best order
the book is as good as empty. An old last trade may then count for 10 bps, which is declared to be right."""


class NobodyOutside(MarketData):
    """One minute into the night the external venues fall silent for good: not the build is wrong here but the world."""

    def _take_rates(self, message: OracleMessage) -> None:
        if self.sim.now_ms < RATES_STOP_MS:
            super()._take_rates(message)


_SILENCE = venue_with(market_data=NobodyOutside)

CANARIES = (
    Canary(
        "P6",
        "the average of a side without orders is fed with a price of zero",
        on_bench("venue.order_book={empty_side: zero}"),
        on_bench(WITH_BOOK),
    ),
    Canary(
        "P7",
        "the external venues are silent, and the mark is made of the book alone",
        on_bench(*HOLE_IN_THE_LADDER, WITH_BOOK),
        on_bench(*HOLE_IN_THE_LADDER, "venue.order_book={needs_external: true}"),
        _SILENCE,
        _SILENCE,
    ),
)
