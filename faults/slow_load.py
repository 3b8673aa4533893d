"""SlowLoad: a restarted service waits long for its rows, each market by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.draws import lognormal_ms
from drydock.models.model import restarted_services
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class SlowLoad(LastingFault):
    """Rows take a lognormal time of this mean instead of the usual one; never less than the usual one."""

    kind: ClassVar[str] = "slow_load"
    sentence: ClassVar[str] = (
        "a restarted service loads its state slowly, market by market: the cold database of a scale-up"
    )
    keywords: ClassVar[tuple[str, ...]] = ("restart race", "cold cache", "database", "load latency", "X1", "X2")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-60_000, 60_000)] = 0
    mean_ms: Annotated[int, Range(100, 60_000, log=True)] = 4_000
    sigma_ppm: Annotated[int, Range(0, 1_500_000)] = 600_000
    lasts_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 3_600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Services that load rows when they are started."""
        return tuple(name for name in restarted_services(scenario) if name in ("funding", "liquidator"))

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Slows every load from its moment on."""
        stream = world.sim.rng(self.stream_name())

        def slow(passage: Passage) -> bool:
            drawn_ms = lognormal_ms(stream.words(passage.entities), self.mean_ms, self.sigma_ppm)
            is_slower = drawn_ms > passage.delay_ms
            passage.delay_ms = np.where(is_slower, drawn_ms, passage.delay_ms)
            return bool(is_slower.any())

        yield f"{self.target}.load", slow
