"""CrashLoop: a process dies, is started again, and dies again shortly after each start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.sim import Steps
from drydock.models.runbook_spec import SERVICES
from drydock.models.venue_fault import VenueFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class CrashLoop(VenueFault):
    """The target dies at its moment and ``times`` more, each ``up_ms`` after it was started again.

    Whoever stops it for good ends the loop.
    """

    kind: ClassVar[str] = "crash_loop"
    sentence: ClassVar[str] = "a service dies again and again, shortly after each of its starts"
    keywords: ClassVar[tuple[str, ...]] = ("crash loop", "restart race", "supervisor", "back-off", "X1")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 600_000)] = 0
    times: Annotated[int, Range(1, 20, log=True)] = 3
    restart_ms: Annotated[int, Range(100, 60_000, log=True)] = 2_000
    up_ms: Annotated[int, Range(100, 60_000, log=True)] = 3_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every service."""
        return SERVICES

    def inject(self, world: VenueWorld) -> Steps:
        """Kills it as often as it finds it running; one that is not is left alone."""
        yield world.until(self.step, self.offset_ms)
        for _ in range(1 + self.times):
            if not world.services[self.target].crash(self.restart_ms):
                return
            world.seams.mark_exercised(f"kill {self.target}")
            yield world.sim.sleep(self.restart_ms + self.up_ms, "kill")
