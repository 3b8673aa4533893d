"""EarlyStart: a service process starts before its step of the runbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.sim import Steps
from drydock.models.model import restarted_services
from drydock.models.venue_fault import VenueFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class EarlyStart(VenueFault):
    """A supervisor starts the process up to ``early_ms_max`` before its step is due, drawn by the run's seed.

    The process's own readiness rule still holds.
    """

    kind: ClassVar[str] = "early_start"
    sentence: ClassVar[str] = "a service process starts before its step: a supervisor, a health probe, a hasty hand"
    keywords: ClassVar[tuple[str, ...]] = ("restart race", "order", "supervisor", "partial copy", "X1", "X17")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(0, 0)] = 0
    early_ms_max: Annotated[int, Range(100, 1_200_000, log=True)] = 60_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Services that the runbook starts."""
        return restarted_services(scenario)

    def stream_name(self) -> str:
        """It has no moment of its own: step and target tell it from others."""
        return f"fault/{self.kind}/{self.step}/{self.target}"

    def inject(self, world: VenueWorld) -> Steps:
        """Starts the process, as its supervisor would: through the same door as the operators."""
        early_ms = world.sim.rng(self.stream_name()).between(1, self.early_ms_max)
        yield world.until(self.step, -early_ms)
        service = world.services[self.target]
        if not service.is_running:
            world.seams.mark_exercised(f"start {self.target}")
            world.start_service(self.target)
