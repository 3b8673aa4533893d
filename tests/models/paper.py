"""A ledger on paper: a quiet venue at flat prices that hears what a test tells it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from drydock.harness.port import Entry
from drydock.models.ledger import VenueLedger
from tests.nights import Stage

QUIET = (
    "population.transfers_per_hour=0",
    "population.fills_per_minute=0",
    "venue.declared.mark_band_ppm=0",
)


class Holding(NamedTuple):
    """A person's position."""

    account: int
    market: int
    size: int
    slot: int


class Paper:
    """A stage with a ledger that hears it; the venue itself stays quiet, or does not even start."""

    def __init__(
        self, *sets: str, regime: str = "flat", at_ms: int = 10_001, horizon_ms: int = 0, is_started: bool = True
    ) -> None:
        self.stage = Stage(*QUIET, *sets, regime=regime, is_started=is_started)
        self.truth = self.stage.world.truth
        self.layout = self.stage.world.layout
        self.first_person = self.stage.world.population.first_person
        self.ledger = VenueLedger(self.first_person, horizon_ms)
        self.ledger.begin(self.truth)
        for payload in self.ledger.hears:
            self.stage.sim.hear(payload, self.ledger.observe)
        self.stage.at(at_ms)

    def tell(self, *events: object) -> Paper:
        """These happen now, one after the other."""
        for data in events:
            self.stage.sim.emit(data)
        return self

    @property
    def now_ms(self) -> int:
        return self.stage.sim.now_ms

    def price(self, market: int) -> int:
        return int(self.truth.mark(self.now_ms)[market])

    def equity(self, account: int) -> int:
        return int(self.truth.shadow.value(self.now_ms).equity[account])

    def holding(self, side: int = 1, least: int = 100) -> Holding:
        """The first position of a person on this side with at least so many size quantums."""
        held = self.truth.shadow.holdings.size
        fits = np.flatnonzero((self.layout.account >= self.first_person) & (held * side >= least))
        slot = int(fits[0])
        return Holding(int(self.layout.account[slot]), int(self.layout.market[slot]), int(held[slot]), slot)

    def lines(self) -> dict[tuple[int, str], int]:
        """(account, kind) -> what is missing."""
        return {(e.account, e.kind): e.amount_quantums - e.restored_quantums for e in self.entries()}

    def entries(self) -> list[Entry]:
        return list(self.ledger.end())
