"""CatchUpBurst: after a gap a scheduler fires every slot that it missed, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class CatchUpBurst(LastingFault):
    """The target's first firing after a gap is preceded by those of the last ``slots_max`` slots it missed.

    Each is told the time of its slot: a funding tick accrues one period, and no cap on gaps sees that there was one.
    """

    kind: ClassVar[str] = "catch_up_burst"
    sentence: ClassVar[str] = "a scheduler makes up for every slot that it missed, all at once"
    keywords: ClassVar[tuple[str, ...]] = ("catch-up", "misfire policy", "cron", "timer", "downtime", "X6")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 300_000)] = 0
    slots_max: Annotated[int, Range(1, 1_000, log=True)] = 100
    lasts_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 3_600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The services whose firings change something."""
        return ("funding", "market_data", "liquidator")

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Has the scheduler make up for so many."""

        def catch_up(passage: Passage) -> bool:
            if passage.label != f"{self.target}/catch_up":
                return False
            passage.policy = self.slots_max
            return True

        yield "policy.read", catch_up
