"""Wrong builds for F7 to F9, and their controls."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.accounts import Holdings, Ints
from drydock.models.chain import Chain, FillTx
from drydock.models.funding_engine import FundingEngine
from drydock.models.invariants.canaries.build import on_bench, venue_with
from drydock.models.world import VenueWorld

CAP_DECLARED = "venue.declared.index_gap_cap_ms=30s"
CAP_BUILT_IN = "venue.funding.gap_cap_ms=30s"


class MakesUpForMissedTicks(FundingEngine):
    """A timer is set for every slot that passed while the engine was down."""

    def on_ready(self) -> None:
        """One timer a slot."""
        for _ in range(1 + (self.sim.now_ms - int(self._at_ms.min())) // self._spec.tick_ms):
            super().on_ready()


class KeepsACheckpoint(Chain):
    """Fills are booked with the funding indices that the sequencer read when it started."""

    def __init__(self, world: VenueWorld, holdings: Holdings, index: Ints, mark: Ints) -> None:
        super().__init__(world, holdings, index, mark)
        self._checkpoint: list[int] = index.tolist()

    def _apply_fills(self, group: list[FillTx]) -> None:
        for taker_slot, maker_slot, size, price in group:
            index = self._checkpoint[self.layout.market_of[taker_slot]]
            self.holdings.fill_one(taker_slot, maker_slot, size, price, index)


CANARIES = (
    Canary(
        "F7",
        "the venue declares that funding stands still over a gap, and the engine integrates it",
        on_bench(CAP_DECLARED),
        on_bench(CAP_DECLARED, CAP_BUILT_IN),
    ),
    Canary(
        "F8",
        "a restarted funding engine makes up for every tick that it missed",
        on_bench(),
        on_bench(),
        venue_with(funding=MakesUpForMissedTicks),
    ),
    Canary(
        "F9",
        "the chain books fills with the funding indices of its start",
        on_bench(),
        on_bench(),
        venue_with(chain=KeepsACheckpoint),
    ),
)
