"""Wrong builds for F1 to F6, and their controls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from drydock.harness.port import Canary
from drydock.models.accounts import Holdings, Ints
from drydock.models.chain import Chain
from drydock.models.funding_engine import FundingEngine
from drydock.models.index_rows import INDEX
from drydock.models.invariants.canaries.build import (
    COLD_DATABASE,
    GATE_ON_LOADS,
    NO_READINESS_GATE,
    on_bench,
    venue_with,
)
from drydock.models.world import VenueWorld


class LoadsOtherUnits(FundingEngine):
    """The rows hold milli-units since the migration; the engine does not know."""

    def _take_rows(self, markets: Ints, values: Ints, version: Ints) -> None:
        values[:, INDEX] //= 1_000
        super()._take_rows(markets, values, version)


class LosesTheSign(FundingEngine):
    """The column is unsigned in one place and signed in the other; positive is taken for negative."""

    def _take_rows(self, markets: Ints, values: Ints, version: Ints) -> None:
        values[:, INDEX] *= -1
        super()._take_rows(markets, values, version)


class TicksAllButOne(FundingEngine):
    """An off-by-one in the list of markets."""

    def _tickable(self, at_ms: int) -> Ints | None:
        return self._all[:-1]


class WritesUnderTheNeighboursKey(FundingEngine):
    """The write-behind numbers its rows from one."""

    def _write_behind(self, markets: Ints, index: Ints) -> None:
        super()._write_behind(markets, np.roll(index, 1))


class CachesBeforePaying(Holdings):
    """Two lines in the wrong order: a position's index is re-cached before its funding is computed from it."""

    __slots__ = ()

    def realise_funding(self, slots: Ints, index: Ints) -> None:
        """Pays nothing, since the cached index is already today's."""
        self.cached[slots] = index[self.layout.market[slots]]
        super().realise_funding(slots, index)

    def trade_one(self, slot: int, size: int, price: int, index: int) -> None:
        """The same mistake where a single fill is booked."""
        self.cached[slot] = index
        super().trade_one(slot, size, price, index)

    def fill_one(self, taker_slot: int, maker_slot: int, size: int, price: int, index: int) -> None:
        """Leg by leg."""
        self.trade_one(taker_slot, size, price, index)
        self.trade_one(maker_slot, -size, price, index)

    def fill_all(self, fills: Iterable[tuple[int, int, int, int]], index: Sequence[int]) -> None:
        """One by one."""
        for taker_slot, maker_slot, size, price in fills:
            self.fill_one(taker_slot, maker_slot, size, price, index[self.layout.market_of[taker_slot]])


def _chain_that_caches_before_paying(world: VenueWorld, holdings: Holdings, index: Ints, mark: Ints) -> Chain:
    forgetful = CachesBeforePaying(holdings.layout, holdings.quote, holdings.size, holdings.cached)
    return Chain(world, forgetful, index, mark)


def _restart(law: str, sentence: str, engine: Any) -> Canary:
    """A wrong engine on a venue whose engine waits for its loads, and beside it the right one."""
    same = on_bench(GATE_ON_LOADS)
    return Canary(law, sentence, same, same, venue_with(funding=engine))


CANARIES = (
    _restart("F1", "the funding engine reads its rows in other units than it wrote them", LoadsOtherUnits),
    _restart("F2", "the funding engine's list of markets ends one too early", TicksAllButOne),
    Canary(
        "F3",
        "the tick timer starts with the process, a row that is not there yet counts as zero, and the database is cold",
        on_bench(*COLD_DATABASE, NO_READINESS_GATE),
        on_bench(*COLD_DATABASE, GATE_ON_LOADS),
    ),
    _restart("F4", "the write-behind puts each index into the row of the next market", WritesUnderTheNeighboursKey),
    _restart("F5", "the funding engine reads its rows with the wrong sign", LosesTheSign),
    Canary(
        "F6",
        "the chain re-caches a position's index before it pays the funding",
        on_bench(),
        on_bench(),
        venue_with(chain=_chain_that_caches_before_paying),
    ),
)
