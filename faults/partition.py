"""Partition: two components, or one and all others, do not hear each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Passage
from drydock.models.links import channels_of, components, links, lose
from drydock.models.message_fault import MessageFault


@dataclass(frozen=True, slots=True)
class Partition(MessageFault):
    """What either of them sends is lost for a while, in both directions."""

    kind: ClassVar[str] = "partition"
    sentence: ClassVar[str] = "the network between two components, or around one, is cut in both directions"
    keywords: ClassVar[tuple[str, ...]] = ("partition", "split", "network", "isolated", "X14", "X15")

    step: str
    target: str = "chain|cloud"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every link between two components, and every component."""
        channels = channels_of(scenario)
        return (*links(channels), *components(channels))

    def hit(self, passage: Passage) -> bool:
        """Lost."""
        return lose(passage)
