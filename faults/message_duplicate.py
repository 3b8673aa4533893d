"""MessageDuplicate: messages of a channel arrive twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Passage
from drydock.models.message_fault import SharedMessageFault


@dataclass(frozen=True, slots=True)
class MessageDuplicate(SharedMessageFault):
    """A share of them arrives once more, ``late_ms`` after the first: what an eager transport does by itself."""

    kind: ClassVar[str] = "message_duplicate"
    sentence: ClassVar[str] = "messages between two components arrive twice"
    keywords: ClassVar[tuple[str, ...]] = ("duplicate", "at least once", "idempotency", "double fill", "replay", "X15")

    step: str
    target: str = "fills"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    share_ppm: Annotated[int, Range(1_000, 1_000_000, log=True)] = 500_000
    late_ms: Annotated[int, Range(0, 60_000)] = 1_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    def hit(self, passage: Passage) -> bool:
        """Once more."""
        passage.copies = passage.copies + 1
        passage.copy_late_ms = max(passage.copy_late_ms, self.late_ms)
        return True
