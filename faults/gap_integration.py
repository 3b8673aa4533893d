"""GapIntegration: the funding engine integrates a whole gap, as if it had no cap on gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.model import model_of
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class GapIntegration(LastingFault):
    """The cap is documented and not at work: a build without it, a flag that was lost."""

    kind: ClassVar[str] = "gap_integration"
    sentence: ClassVar[str] = "the funding engine lets funding accrue over a gap, as if its cap were off"
    keywords: ClassVar[tuple[str, ...]] = ("gap", "funding", "downtime", "feature flag", "X6")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 300_000)] = 0
    lasts_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 3_600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The funding engine, where it has a cap."""
        return () if model_of(scenario).venue.funding.gap_cap_ms is None else ("funding",)

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Takes the cap away."""

        def uncap(passage: Passage) -> bool:
            if passage.label != "funding/gap_cap_ms":
                return False
            passage.policy = None
            return True

        yield "policy.read", uncap
