"""OperatorDelays: a step of the runbook is begun late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Passage
from drydock.models.venue_fault import OperatorSlip


@dataclass(frozen=True, slots=True)
class OperatorDelays(OperatorSlip):
    """A step begins ``delay_ms`` after the one before it is through, and all that follow are as late."""

    kind: ClassVar[str] = "operator_delays"
    sentence: ClassVar[str] = "an operator begins a step of the runbook late"
    keywords: ClassVar[tuple[str, ...]] = ("operator", "human error", "delay", "overrun", "X22")

    step: str
    target: str = "operators"
    offset_ms: Annotated[int, Range(0, 0)] = 0
    delay_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 300_000

    def slip(self, passage: Passage) -> bool:
        """The step happens later."""
        passage.delay_ms += self.delay_ms
        return True
