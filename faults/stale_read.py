"""StaleRead: a reader is served from a replica that lags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Passage
from drydock.harness.sim import Steps
from drydock.models.model import restarted_services, step_names
from drydock.models.world import VenueWorld

SEAMS = {"funding": "funding.load", "portfolio": "portfolio.read", "vault": "vault.read"}


@dataclass(frozen=True, slots=True)
class StaleRead:
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

    def applicable(self, scenario: Scenario) -> bool:
        """Whether its step and target exist there."""
        return self.step in step_names(scenario) and self.target in self.targets(scenario)

    def inject(self, world: VenueWorld) -> Steps:
        """Sends reads to the lagging replica."""
        yield world.until(self.step, self.offset_ms)

        def lag(passage: Passage) -> bool:
            passage.stale_ms = np.maximum(passage.stale_ms, self.stale_ms)
            return True

        with world.seams[SEAMS[self.target]].bend(lag):
            yield world.sim.sleep(self.lasts_ms, "heal")

    def simpler(self) -> Iterable[StaleRead]:
        """At its step; half as stale."""
        if self.offset_ms:
            yield replace(self, offset_ms=0)
        if self.stale_ms > 200:
            yield replace(self, stale_ms=self.stale_ms // 2)
