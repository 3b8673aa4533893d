"""OperatorSkips: a step of the runbook is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Passage
from drydock.models.venue_fault import OperatorSlip


@dataclass(frozen=True, slots=True)
class OperatorSkips(OperatorSlip):
    """The operators go from the step before it to the one after it. A skipped gate is a skipped gate."""

    kind: ClassVar[str] = "operator_skips"
    sentence: ClassVar[str] = "an operator leaves out a step of the runbook"
    keywords: ClassVar[tuple[str, ...]] = ("operator", "human error", "skipped step", "checklist", "X22")

    step: str
    target: str = "operators"
    offset_ms: Annotated[int, Range(0, 0)] = 0

    def slip(self, passage: Passage) -> bool:
        """The step never happens."""
        passage.is_lost[:] = True
        return True
