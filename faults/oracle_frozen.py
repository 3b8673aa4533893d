"""OracleFrozen: a source says the same again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Bender, Mask, Passage
from drydock.models.accounts import Ints
from drydock.models.oracle_fault import OracleFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class OracleFrozen(OracleFault):
    """What it first said since its moment, under the time of now: no age tells that it is old."""

    kind: ClassVar[str] = "oracle_frozen"
    sentence: ClassVar[str] = "a source repeats an old price with fresh timestamps"
    keywords: ClassVar[tuple[str, ...]] = ("oracle", "frozen", "stuck feed", "heartbeat", "stale price", "X7", "X9")

    step: str
    target: str = "spot"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    markets: Annotated[int, Range(1, 200, log=True)] = 200
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 300_000

    def strike(self, world: VenueWorld, struck: Mask) -> Bender:
        """The first number of each source stands."""
        first: dict[str, Ints] = {}

        def repeat(passage: Passage) -> bool:
            assert passage.value is not None
            kept = first.setdefault(passage.label, passage.value.copy())
            passage.value[struck] = kept[struck]
            return True

        return repeat
