"""OracleScale: a source speaks in other units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from drydock.harness.port import Range
from drydock.harness.seam import Bender, Mask, Passage
from drydock.models.oracle_fault import OracleFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class OracleScale(OracleFault):
    """Its numbers have ``digits`` too many or too few: cents for dollars, another number of decimals."""

    kind: ClassVar[str] = "oracle_scale"
    sentence: ClassVar[str] = "a source of outside prices speaks in other units: a power of ten too much or too little"
    keywords: ClassVar[tuple[str, ...]] = ("oracle", "unit", "scale", "decimals", "exponent", "power of ten", "X8")

    step: str
    target: str = "spot-1"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    digits: Annotated[int, Range(1, 8)] = 1
    direction: Literal["up", "down"] = "up"
    markets: Annotated[int, Range(1, 200, log=True)] = 1
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    def strike(self, world: VenueWorld, struck: Mask) -> Bender:
        """The number times a power of ten, or divided by it."""
        factor = 10**self.digits

        def scale(passage: Passage) -> bool:
            value = passage.value
            assert value is not None
            value[struck] = value[struck] * factor if self.direction == "up" else value[struck] // factor
            return True

        return scale
