"""OperatorRepeats: a step of the runbook is done twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Passage
from drydock.models.venue_fault import OperatorSlip


@dataclass(frozen=True, slots=True)
class OperatorRepeats(OperatorSlip):
    """A step is done ``times`` more, each ``after_ms`` after the last time began, or when that is through."""

    kind: ClassVar[str] = "operator_repeats"
    sentence: ClassVar[str] = "an operator does a step of the runbook again: two hands, one script, a retry"
    keywords: ClassVar[tuple[str, ...]] = ("operator", "human error", "repeated step", "idempotence", "retry", "X22")

    step: str
    target: str = "operators"
    offset_ms: Annotated[int, Range(0, 0)] = 0
    times: Annotated[int, Range(1, 3)] = 1
    after_ms: Annotated[int, Range(0, 600_000)] = 0

    def slip(self, passage: Passage) -> bool:
        """The step happens again."""
        passage.copies[:] += self.times
        passage.copy_late_ms = max(passage.copy_late_ms, self.after_ms)
        return True
