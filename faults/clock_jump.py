"""ClockJump: a service's clock steps, forward or back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class ClockJump(LastingFault):
    """The target's clock shows ``jump_ms`` more (less, if negative) than it is, until it is put right."""

    kind: ClassVar[str] = "clock_jump"
    sentence: ClassVar[str] = "a service's clock steps forward or back, and later to the right time again"
    keywords: ClassVar[tuple[str, ...]] = ("clock jump", "time step", "NTP", "virtual machine", "leap second", "X9")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 300_000)] = 0
    jump_ms: Annotated[int, Range(-3_600_000, 3_600_000)] = 60_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 120_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The services that decide by their clock: how old a price is, how much time funding accrues over."""
        return ("funding", "market_data", "liquidator")

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Shows another time."""

        def jump(passage: Passage) -> bool:
            if passage.label != self.target or passage.stamp_ms is None:
                return False
            passage.stamp_ms = passage.stamp_ms + self.jump_ms
            return True

        yield "clock.read", jump
