"""OperatorSlow: people take longer than planned, to notice, to decide or to act."""

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
class OperatorSlow(LastingFault):
    """Whatever time they would have taken is stretched by ``stretch_ppm``: detection, decision, or the steps' own."""

    kind: ClassVar[str] = "operator_slow"
    sentence: ClassVar[str] = "operators take longer to notice, to decide, or to do a step"
    keywords: ClassVar[tuple[str, ...]] = ("operator", "detection", "time to decide", "status page", "overrun", "X22")

    step: str
    target: str = "act"
    offset_ms: Annotated[int, Range(-600_000, 600_000)] = 0
    stretch_ppm: Annotated[int, Range(1_100_000, 20_000_000, log=True)] = 2_000_000
    lasts_ms: Annotated[int, Range(60_000, 28_800_000, log=True)] = 14_400_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """What takes time: steps, and with an incident's branch noticing and deciding too."""
        return ("act",) if model_of(scenario).runbook.on_incident is None else ("act", "detect", "decide")

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Stretches what its target takes."""

        def stretch(passage: Passage) -> bool:
            if self.target != (passage.label if passage.label in ("detect", "decide") else "act"):
                return False
            longer_ms = passage.delay_ms * self.stretch_ppm // PPM
            is_longer = bool((longer_ms > passage.delay_ms).any())
            passage.delay_ms = longer_ms
            return is_longer

        yield "operator.time", stretch
