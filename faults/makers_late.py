"""MakersLate: makers come back late after a closure, or not at all, and books stay thin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.model import model_of
from drydock.models.perp.units import PPM
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class MakersLate(LastingFault):
    """A return that is decided while it lasts comes ``late_ms`` later; of all makers ``away_ppm`` stay away, by seed.

    It strikes at a reopening: its moment has to come before that, and it has to last until then.
    """

    kind: ClassVar[str] = "makers_late"
    sentence: ClassVar[str] = "makers come back late, or not at all, after a closure: books stay thin"
    keywords: ClassVar[tuple[str, ...]] = ("thin book", "market makers", "liquidity", "PAXG", "reopening", "X18")

    step: str
    target: str = "makers"
    offset_ms: Annotated[int, Range(-120_000, 60_000)] = 0
    late_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 600_000
    away_ppm: Annotated[int, Range(0, 1_000_000)] = 0
    lasts_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 3_600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Where there is an order book: all makers, or one of them."""
        model = model_of(scenario)
        if model.venue.order_book is None:
            return ()
        return ("makers", *(f"maker-{number}" for number in range(1, model.population.makers + 1)))

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Keeps makers away."""
        stream = world.sim.rng(self.stream_name())

        def late(passage: Passage) -> bool:
            is_away = stream.below(PPM) < self.away_ppm
            if self.target not in ("makers", passage.label):
                return False
            passage.is_lost |= is_away
            passage.delay_ms += self.late_ms
            return True

        yield "maker.return", late
