"""OracleOutlier: a source says a price that nobody else sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Bender, Mask, Passage
from drydock.models.oracle_fault import OracleFault
from drydock.models.world import VenueWorld

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class OracleOutlier(OracleFault):
    """Its numbers are off by this share for some markets: 1,000,000 ppm is twice the price, -500,000 ppm half."""

    kind: ClassVar[str] = "oracle_outlier"
    sentence: ClassVar[str] = "a source of outside prices is off in some markets: an outlier of one exchange"
    keywords: ClassVar[tuple[str, ...]] = ("oracle", "outlier", "wrong price", "flash crash", "depeg", "X8", "G12")

    step: str
    target: str = "spot-1"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    off_ppm: Annotated[int, Range(-990_000, 9_000_000)] = 500_000
    markets: Annotated[int, Range(1, 200, log=True)] = 1
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    def strike(self, world: VenueWorld, struck: Mask) -> Bender:
        """The number is off, its time is right."""

        def off(passage: Passage) -> bool:
            assert passage.value is not None
            passage.value[struck] += passage.value[struck] * self.off_ppm // PPM
            return True

        return off
