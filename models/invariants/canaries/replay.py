"""A wrong build for M8, and its control."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from drydock.harness.port import Canary
from drydock.models.accounts import Holdings, Ints
from drydock.models.chain import Chain
from drydock.models.invariants.canaries.build import on_bench, venue_with
from drydock.models.world import VenueWorld

MANY_FILLS = "population.fills_per_minute=600"
"""Fifty a block: the same positions change several times between two funding ticks."""


class PaysAfterTrading(Holdings):
    """Funding is computed from the size after a fill: whoever comes first in a block decides what all of it costs."""

    __slots__ = ()

    def fill_one(self, taker_slot: int, maker_slot: int, size: int, price: int, index: int) -> None:
        """Two lines in the wrong order."""
        for slot, change in ((taker_slot, size), (maker_slot, -size)):
            self.size[slot] += change
            self.trade_one(slot, 0, price, index)
            self.quote[self.layout.account[slot]] -= change * price

    def fill_all(self, fills: Iterable[tuple[int, int, int, int]], index: Sequence[int]) -> None:
        """One by one."""
        for taker_slot, maker_slot, size, price in fills:
            self.fill_one(taker_slot, maker_slot, size, price, index[self.layout.market_of[taker_slot]])


def _chain_that_pays_after_trading(world: VenueWorld, holdings: Holdings, index: Ints, mark: Ints) -> Chain:
    hasty = PaysAfterTrading(holdings.layout, holdings.quote, holdings.size, holdings.cached)
    return Chain(world, hasty, index, mark)


CANARIES = (
    Canary(
        "M8",
        "the chain computes funding from the size that a fill leaves",
        on_bench(MANY_FILLS),
        on_bench(MANY_FILLS),
        venue_with(chain=_chain_that_pays_after_trading),
    ),
)
