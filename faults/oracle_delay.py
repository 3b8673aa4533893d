"""OracleDelay: prices from outside arrive late."""

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
class OracleDelay(LastingFault):
    """Messages of one source, of all spot sources, or of all external venues, take ``delay_ms`` longer."""

    kind: ClassVar[str] = "oracle_delay"
    sentence: ClassVar[str] = "prices from outside arrive late: a sidecar restarted last, a congested line"
    keywords: ClassVar[tuple[str, ...]] = ("oracle delay", "stale price", "sidecar", "staleness", "X7")

    step: str
    target: str = "spot"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    delay_ms: Annotated[int, Range(100, 900_000, log=True)] = 60_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 300_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """``spot`` and ``external`` stand for all of their kind."""
        oracle = model_of(scenario).venue.oracle
        spots = tuple(f"spot-{n + 1}" for n in range(oracle.spot_sources))
        venues = tuple(f"external-{n + 1}" for n in range(oracle.external_venues))
        return ("spot", "external", *spots, *venues)

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Delays the messages that are sent from its moment on."""

        def delay(passage: Passage) -> bool:
            if self.target not in (passage.label, passage.label.rpartition("-")[0]):
                return False
            passage.delay_ms = passage.delay_ms + self.delay_ms
            return True

        yield f"oracle.{self.target.partition('-')[0]}", delay
