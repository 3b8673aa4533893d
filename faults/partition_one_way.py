"""PartitionOneWay: one component does not hear another, which hears it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Passage
from drydock.models.links import channels_of, directions, lose
from drydock.models.message_fault import MessageFault


@dataclass(frozen=True, slots=True)
class PartitionOneWay(MessageFault):
    """All channels in one direction are cut for a while; the other direction is well."""

    kind: ClassVar[str] = "partition_one_way"
    sentence: ClassVar[str] = "one component does not hear another any more, which still hears it"
    keywords: ClassVar[tuple[str, ...]] = ("one-way partition", "asymmetric", "half open", "network", "X14", "X15")

    step: str
    target: str = "cloud>chain"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every direction in which messages go."""
        return directions(channels_of(scenario))

    def hit(self, passage: Passage) -> bool:
        """Lost."""
        return lose(passage)
