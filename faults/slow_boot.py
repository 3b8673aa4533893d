"""SlowBoot: one named boot step of a service takes longer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.boot_steps import boot_places
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class SlowBoot(LastingFault):
    """The boot step (``funding/load``) begins ``delay_ms`` later, at each start while it lasts."""

    kind: ClassVar[str] = "slow_boot"
    sentence: ClassVar[str] = "a service takes long over one step of its boot: an image to pull, a cache to warm"
    keywords: ClassVar[tuple[str, ...]] = ("slow boot", "restart race", "start order", "warm-up", "X1")

    step: str
    target: str = "funding/load"
    offset_ms: Annotated[int, Range(-60_000, 60_000)] = 0
    delay_ms: Annotated[int, Range(100, 600_000, log=True)] = 30_000
    lasts_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 3_600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every boot step of every service that the runbook starts."""
        return boot_places(scenario)

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Lets the step wait."""

        def wait(passage: Passage) -> bool:
            if passage.label != self.target:
                return False
            passage.delay_ms = passage.delay_ms + self.delay_ms
            return True

        yield "service.boot", wait
