"""Wrong builds for L1, L3 and L4, and their controls."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.accounts import Ints, Valuation
from drydock.models.cloud import Cloud
from drydock.models.invariants.canaries.build import RAISED_MARGIN, on_bench, venue_with
from drydock.models.liquidator import Liquidator

CLOSED_AT_ONCE = "runbook.before_ms=0s"
NO_MODE_MATRIX = "venue.safeguards.mode_matrix=false"


class TakesThePenaltyForTheFee(Cloud):
    """The penalty's rate (70 %) where the taker fee (0.03 %) belongs: a requirement that hardly anybody meets."""

    def value(self) -> Valuation:
        """Every account, with that requirement."""
        spec = self._world.venue.liquidation
        return self.holdings.value(self.mark, self.index, self._world.markets.mmf_ppm, spec.fee_ppm)

    def nobody_is_under(self) -> bool:
        """By that requirement, there is always somebody to look at."""
        return False


class TrustsNobody(Liquidator):
    """Every account that is under margin is put off to a later check."""

    def _trusted(self, under: Ints, at_ms: int) -> Ints:
        return under[:0]


CANARIES = (
    Canary(
        "L1",
        "the health check takes the liquidation penalty for the taker fee",
        on_bench(RAISED_MARGIN, regime="crash"),
        on_bench(RAISED_MARGIN, regime="crash"),
        venue_with(cloud=TakesThePenaltyForTheFee),
    ),
    Canary(
        "L3",
        "services do not look at the mode: accounts that are under margin when the venue closes are liquidated",
        on_bench(RAISED_MARGIN, CLOSED_AT_ONCE, NO_MODE_MATRIX, regime="crash"),
        on_bench(RAISED_MARGIN, CLOSED_AT_ONCE, regime="crash"),
    ),
    Canary(
        "L4",
        "the liquidator puts everybody off to a later check",
        on_bench(RAISED_MARGIN, regime="crash"),
        on_bench(RAISED_MARGIN, regime="crash"),
        venue_with(liquidator=TrustsNobody),
    ),
)
