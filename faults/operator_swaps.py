"""OperatorSwaps: a step of the runbook is done after the one that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Passage
from drydock.models.model import model_of
from drydock.models.runbook import IN_ORDER, NEXT_FIRST
from drydock.models.venue_fault import OperatorSlip


@dataclass(frozen=True, slots=True)
class OperatorSwaps(OperatorSlip):
    """Two steps that follow each other change places: the later one comes first."""

    kind: ClassVar[str] = "operator_swaps"
    sentence: ClassVar[str] = "an operator does two steps of the runbook in the wrong order"
    keywords: ClassVar[tuple[str, ...]] = ("operator", "human error", "wrong order", "swapped steps", "X22")

    step: str
    target: str = "operators"
    offset_ms: Annotated[int, Range(0, 0)] = 0

    def applicable(self, scenario: Scenario) -> bool:
        """Whether a step follows this one in its branch."""
        runbook = model_of(scenario).runbook
        branches = (runbook.steps, () if runbook.on_incident is None else runbook.on_incident.steps)
        followed = {spec.label for steps in branches for spec in steps[:-1]}
        return self.step in followed and OperatorSlip.applicable(self, scenario)

    def slip(self, passage: Passage) -> bool:
        """The next step comes first, where there is one and nobody has put this one off already."""
        if passage.policy != IN_ORDER:
            return False
        passage.policy = NEXT_FIRST
        return True
