"""StaleRead: a reader is served from a replica that lags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.model import restarted_services
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld

SEAMS = {"funding": "funding.load", "portfolio": "portfolio.read", "vault": "vault.read"}


@dataclass(frozen=True, slots=True)
class StaleRead(LastingFault):
    """From its moment on, the target's reads see the state of ``stale_ms`` ago."""

    kind: ClassVar[str] = "stale_read"
    sentence: ClassVar[str] = "a service reads from a replica that lags behind the primary"
    keywords: ClassVar[tuple[str, ...]] = ("stale read", "replica lag", "read your writes", "database", "X2")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-60_000, 120_000)] = 0
    stale_ms: Annotated[int, Range(100, 600_000, log=True)] = 30_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Services that read rows or pages: restarted ones, and the pages."""
        return tuple(name for name in restarted_services(scenario) if name in SEAMS)

    @classmethod
    def asks_of_database(cls, target: str) -> str:
        """A standby for rows; pages are read elsewhere."""
        return "a standby" if target == "funding" else ""

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Sends reads to the lagging replica."""

        def lag(passage: Passage) -> bool:
            passage.stale_ms = np.maximum(passage.stale_ms, self.stale_ms)
            return True

        yield SEAMS[self.target], lag
