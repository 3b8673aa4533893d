"""MessageReorder: messages of a channel overtake each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Passage
from drydock.models.message_fault import SharedMessageFault


@dataclass(frozen=True, slots=True)
class MessageReorder(SharedMessageFault):
    """A share of them is held up for ``held_ms``, and those behind pass by."""

    kind: ClassVar[str] = "message_reorder"
    sentence: ClassVar[str] = "messages between two components are overtaken by later ones"
    keywords: ClassVar[tuple[str, ...]] = ("reorder", "out of order", "overtaken", "race", "X15")

    step: str
    target: str = "accruals"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    share_ppm: Annotated[int, Range(1_000, 1_000_000, log=True)] = 300_000
    held_ms: Annotated[int, Range(10, 120_000, log=True)] = 8_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    def hit(self, passage: Passage) -> bool:
        """Held up, this one alone."""
        passage.delay_ms = passage.delay_ms + self.held_ms
        return True
