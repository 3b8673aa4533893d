"""Wrong builds for P1 and P2, and their controls."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.invariants.canaries.build import on_bench, venue_with
from drydock.models.market_data import Inputs, MarketData, OracleMessage, PriceMessage

FEED_STOPS_MS = 60_000


class PriceOfNobody(MarketData):
    """A market whose sources all fell silent has the median of no votes: zero."""

    def _price(self, inputs: Inputs) -> PriceMessage | None:
        message = super()._price(inputs)
        if message is not None:
            message.mark[-1] = 0
        return message


class SilentFeed(MarketData):
    """One minute into the night the spot sources fall silent for good: not the build is wrong here but the world."""

    def _take_spot(self, message: OracleMessage) -> None:
        if self.sim.now_ms < FEED_STOPS_MS:
            super()._take_spot(message)


_SILENCE = venue_with(market_data=SilentFeed)

CANARIES = (
    Canary(
        "P1", "a market without votes is priced at zero", on_bench(), on_bench(), venue_with(market_data=PriceOfNobody)
    ),
    Canary(
        "P2",
        "spot feeds fall silent and nobody looks at the age of prices",
        on_bench("venue.safeguards.price_freshness=null"),
        on_bench(),
        _SILENCE,
        _SILENCE,
    ),
)
