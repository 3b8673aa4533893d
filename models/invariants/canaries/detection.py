"""A venue whose monitors miss what happens, for D1, and its control."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.harness.run import FaultInjected
from drydock.harness.sim import Steps
from drydock.models.invariants.canaries.build import on_bench, venue_with
from drydock.models.runbook import Player
from drydock.models.runbook_spec import StepSpec

RESTART_MS = 1_000
IN_A_MINUTE = "venue.declared.detect_ms_max=1m"


class Drill(Player):
    """Before the window's first step the operators kill the funding engine, say so, and wait who rings."""

    def _do_set_mode(self, spec: StepSpec) -> Steps:
        """The drill, and then the step."""
        if spec.mode == "maintenance" and self._world.funding.crash(RESTART_MS):
            self._sim.emit(FaultInjected(0, "drill", "funding", "kill funding"))
        return (yield from super()._do_set_mode(spec))


DRILLED = venue_with(player=Drill)

CANARIES = (
    Canary(
        "D1",
        "the only monitors are alarms for an incident, and the runbook has none: a service dies and nobody is called",
        on_bench("venue.declared.monitors=[alarm]", IN_A_MINUTE),
        on_bench("venue.declared.monitors=[process]", IN_A_MINUTE),
        DRILLED,
        DRILLED,
    ),
)
