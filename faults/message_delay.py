"""MessageDelay: messages of a channel take longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Passage
from drydock.models.message_fault import MessageFault


@dataclass(frozen=True, slots=True)
class MessageDelay(MessageFault):
    """All of them, by the same time: their order stays."""

    kind: ClassVar[str] = "message_delay"
    sentence: ClassVar[str] = "messages between two components arrive late: a congested or a detoured line"
    keywords: ClassVar[tuple[str, ...]] = ("message delay", "latency", "congestion", "lag", "X14", "X15")

    step: str
    target: str = "fills"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    delay_ms: Annotated[int, Range(10, 300_000, log=True)] = 5_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    def hit(self, passage: Passage) -> bool:
        """Later than it would have been."""
        passage.delay_ms = passage.delay_ms + self.delay_ms
        return True
