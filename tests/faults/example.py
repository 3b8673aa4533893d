"""What an example of a fault is: the fault, and a night on which it is exercised and matters."""

from __future__ import annotations

from typing import NamedTuple

from drydock.harness.port import Fault
from drydock.harness.sim import Sim
from drydock.models.world import VenueWorld, planned_steps
from tests.nights import case_of, scenario

AS_HAPPENED = (
    "venue.funding.readiness=process_up",
    "venue.safeguards.price_freshness=null",
    "runbook.steps.6.gate=[processes_up]",
    "venue.oracle.tick_ms=1s",
)
"""The bench venue without the guards that hide what a fault does."""


class Example(NamedTuple):
    """A fault, and the night on which it shows."""

    fault: Fault
    sets: tuple[str, ...] = AS_HAPPENED
    scenario: str = "bench"
    regime: str = "calm"
    seed: int = 1

    def world(self) -> VenueWorld:
        """The venue of its night, started, nothing injected yet."""
        case = case_of(scenario(self.scenario, *self.sets), (), self.seed, self.regime)
        made = VenueWorld(case, Sim(self.seed, case.ties))
        made.start()
        return made

    def moment_ms(self) -> int:
        """When it strikes, by the plan of the runbook; the end of the window for a step of the incident's branch."""
        runbook = self.world().runbook
        planned = dict(planned_steps(runbook))
        return planned.get(self.fault.step, runbook.before_ms + runbook.window_ms) + self.fault.offset_ms
