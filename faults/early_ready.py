"""EarlyReady: a service is taken for ready at a boot step after which more was to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.boot_steps import early_places
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class EarlyReady(LastingFault):
    """A health probe looks at the wrong thing: once the boot step (``funding/connect``) is through, it says ready.

    The service begins its work then, and its boot goes on beside it.
    """

    kind: ClassVar[str] = "early_ready"
    sentence: ClassVar[str] = "a service is taken for ready before its boot is through: a wrong health probe"
    keywords: ClassVar[tuple[str, ...]] = ("health probe", "readiness", "liveness", "early start", "restart race", "X1")

    step: str
    target: str = "funding/process_up"
    offset_ms: Annotated[int, Range(-60_000, 60_000)] = 0
    lasts_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 3_600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every boot step but the last, of every service that the runbook starts."""
        return early_places(scenario)

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Takes the step for the last one."""
        service, _, last = self.target.partition("/")

        def probe(passage: Passage) -> bool:
            if passage.label != f"{service}/readiness":
                return False
            passage.policy = last
            return True

        yield "policy.read", probe
