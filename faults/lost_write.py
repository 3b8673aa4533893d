"""LostWrite: rows that the write-behind took never reach the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Bender, Passage
from drydock.models.database_fault import WriterFault, share_of_rows
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class LostWrite(WriterFault, LastingFault):
    """Of all rows that are to be written a share is dropped on the way, row by row; nobody is told."""

    kind: ClassVar[str] = "lost_write"
    sentence: ClassVar[str] = "rows of the write-behind are dropped on their way to the database, and nobody is told"
    keywords: ClassVar[tuple[str, ...]] = (
        "lost write",
        "write-behind",
        "queue overflow",
        "database",
        "durability",
        "X3",
    )

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 600_000)] = 0
    share_ppm: Annotated[int, Range(1_000, 1_000_000, log=True)] = 500_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Throws its dice for each row."""
        drawn = share_of_rows(world, self.stream_name(), self.share_ppm)

        def drop(passage: Passage) -> bool:
            mine = drawn(passage.entities)
            passage.is_lost |= mine
            return bool(mine.any())

        yield f"{self.target}.persist", drop
