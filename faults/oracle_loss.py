"""OracleLoss: a source of outside prices is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Floor, Range, Scenario
from drydock.harness.seam import Bender, Mask, Passage
from drydock.models.oracle_fault import OracleFault, sources
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class OracleLoss(OracleFault):
    """Nothing comes of it for some markets. One spot source and one external venue are always left."""

    kind: ClassVar[str] = "oracle_loss"
    sentence: ClassVar[str] = "a source of outside prices falls silent"
    keywords: ClassVar[tuple[str, ...]] = ("oracle", "source loss", "quorum", "feed down", "delisting", "X7", "P5")
    floor: ClassVar[tuple[Floor, ...]] = (Floor("spot-", 1), Floor("external-", 1))

    step: str
    target: str = "spot-1"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    markets: Annotated[int, Range(1, 200, log=True)] = 200
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 300_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """One source, or one venue."""
        return sources(scenario)

    def strike(self, world: VenueWorld, struck: Mask) -> Bender:
        """Lost."""

        def lose(passage: Passage) -> bool:
            passage.is_lost |= struck
            return True

        return lose
