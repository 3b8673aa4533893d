"""OracleZero: a source says that prices are zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Bender, Mask, Passage
from drydock.models.oracle_fault import OracleFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class OracleZero(OracleFault):
    """The number is 0 for some markets: an empty field read as one, a default, an aggregator without sources."""

    kind: ClassVar[str] = "oracle_zero"
    sentence: ClassVar[str] = "a source of outside prices sends zeros: an empty field, a default"
    keywords: ClassVar[tuple[str, ...]] = (
        "oracle",
        "zero price",
        "default value",
        "BTC $0",
        "missing price",
        "X8",
        "G9",
    )

    step: str
    target: str = "spot-1"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    markets: Annotated[int, Range(1, 200, log=True)] = 1
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    def strike(self, world: VenueWorld, struck: Mask) -> Bender:
        """Zero, and as of now."""

        def empty(passage: Passage) -> bool:
            assert passage.value is not None
            passage.value[struck] = 0
            return True

        return empty
