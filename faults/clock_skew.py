"""ClockSkew: a service's clock runs too fast or too slow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class ClockSkew(LastingFault):
    """The target's clock drifts evenly; after ``lasts_ms`` it is off by ``skew_ms`` and is put right at once.

    Positive is fast. No reading steps by much before that: what watches for jumps sees none.
    """

    kind: ClassVar[str] = "clock_skew"
    sentence: ClassVar[str] = "a service's clock drifts away from the others' until it is put right"
    keywords: ClassVar[tuple[str, ...]] = ("clock skew", "drift", "NTP", "time", "X9")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 300_000)] = 0
    skew_ms: Annotated[int, Range(-600_000, 600_000)] = 30_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 120_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The services that decide by their clock: how old a price is, how much time funding accrues over."""
        return ("funding", "market_data", "liquidator")

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Shows a time that is further off with every millisecond."""
        begun_ms = world.sim.now_ms

        def drift(passage: Passage) -> bool:
            if passage.label != self.target or passage.stamp_ms is None:
                return False
            passage.stamp_ms = passage.stamp_ms + self.skew_ms * (world.sim.now_ms - begun_ms) // self.lasts_ms
            return True

        yield "clock.read", drift
