"""ReplicaSwitch: a reader is moved between standbys that are not equally far behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.database import STANDBYS
from drydock.models.model import restarted_services
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld

SEAMS = {"funding": "database.statement", "portfolio": "portfolio.read", "vault": "vault.read"}


@dataclass(frozen=True, slots=True)
class ReplicaSwitch(LastingFault):
    """Every ``every_ms`` the target's reads go to the other standby, so that what it reads may go back in time."""

    kind: ClassVar[str] = "replica_switch"
    sentence: ClassVar[str] = "reads move between replicas that lag differently, and may go back in time"
    keywords: ClassVar[tuple[str, ...]] = ("replica switch", "monotonic reads", "load balancer", "stale read", "X2")

    step: str
    target: str = "vault"
    offset_ms: Annotated[int, Range(-60_000, 120_000)] = 0
    near_ms: Annotated[int, Range(1, 60_000, log=True)] = 500
    far_ms: Annotated[int, Range(100, 600_000, log=True)] = 60_000
    every_ms: Annotated[int, Range(100, 300_000, log=True)] = 30_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 300_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Services that read rows or pages: restarted ones, and the pages."""
        return tuple(name for name in restarted_services(scenario) if name in SEAMS)

    @classmethod
    def asks_of_database(cls, target: str) -> str:
        """A standby for rows; pages are read elsewhere."""
        return "a standby" if target == "funding" else ""

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """The near one first."""
        begun_ms = world.sim.now_ms

        def switch(passage: Passage) -> bool:
            if passage.label not in ("refresh", f"{self.target}/read"):
                return False
            nth = (world.sim.now_ms - begun_ms) // self.every_ms % 2
            passage.stale_ms = np.maximum(passage.stale_ms, (self.near_ms, self.far_ms)[nth])
            if passage.policy is not None:
                passage.policy = STANDBYS[nth]
            return True

        yield SEAMS[self.target], switch
