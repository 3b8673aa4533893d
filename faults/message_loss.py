"""MessageLoss: messages of a channel do not arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Passage
from drydock.models.links import channels_of, lose
from drydock.models.message_fault import SharedMessageFault


@dataclass(frozen=True, slots=True)
class MessageLoss(SharedMessageFault):
    """A share of them is lost; a sender that waits for an acknowledgement sends again, another never knows."""

    kind: ClassVar[str] = "message_loss"
    sentence: ClassVar[str] = "messages between two components are lost: a full queue, an overloaded interface"
    keywords: ClassVar[tuple[str, ...]] = ("message loss", "packet loss", "dropped", "overload", "lost fill", "X15")

    step: str
    target: str = "fills"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    share_ppm: Annotated[int, Range(1_000, 1_000_000, log=True)] = 500_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every channel."""
        return tuple(channel.name for channel in channels_of(scenario))

    def hit(self, passage: Passage) -> bool:
        """Never."""
        return lose(passage)
