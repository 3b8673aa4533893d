"""OperatorDecides: the operators decide wrongly where the runbook asks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Passage
from drydock.models.model import step_specs
from drydock.models.runbook import GO_ON, NO_ROLLBACK, OLDER
from drydock.models.venue_fault import OperatorSlip

Decision = Literal["go_on", "no_rollback", "older"]
ASKED_AT = {GO_ON: "verify", NO_ROLLBACK: "rollback", OLDER: "rollback"}


@dataclass(frozen=True, slots=True)
class OperatorDecides(OperatorSlip):
    """At a verify step they go on though a gate fails; at a rollback they do not roll back, or take an older snapshot.

    Where all gates hold, or there is one snapshot only, there is nothing to decide wrongly: it is then not exercised.
    """

    kind: ClassVar[str] = "operator_decides"
    sentence: ClassVar[str] = "operators decide wrongly: go on past a failing gate, do not roll back, roll back too far"
    keywords: ClassVar[tuple[str, ...]] = ("operator", "wrong decision", "go/no-go", "rollback", "CME", "X22")
    seam: ClassVar[str] = "operator.decide"

    step: str
    target: str = "operators"
    offset_ms: Annotated[int, Range(0, 0)] = 0
    decision: Decision = "go_on"

    def applicable(self, scenario: Scenario) -> bool:
        """Whether its step asks for this decision."""
        _, spec = step_specs(scenario).get(self.step, ("", None))
        is_asked = spec is not None and spec.step == ASKED_AT[self.decision]
        return is_asked and OperatorSlip.applicable(self, scenario)

    def slip(self, passage: Passage) -> bool:
        """The wrong decision, where it differs from the right one."""
        if self.decision == OLDER and passage.entities < 2:
            return False
        passage.policy = self.decision
        return True
