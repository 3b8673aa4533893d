"""PartialCopy: a scale-up reports its copy complete although rows are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.database_fault import share_of_rows
from drydock.models.index_rows import TABLE
from drydock.models.model import model_of
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class PartialCopy(LastingFault):
    """A share of the table's rows is left out by the copy, or comes ``late_ms`` after its turn; nobody is told.

    It strikes tables whose turn comes while it lasts.
    """

    kind: ClassVar[str] = "partial_copy"
    sentence: ClassVar[str] = "a scale-up reports its copy complete although rows of a table are missing"
    keywords: ClassVar[tuple[str, ...]] = (
        "partial copy",
        "missing rows",
        "scale-up",
        "migration",
        "database",
        "X2",
        "X5",
    )

    step: str
    target: str = TABLE
    offset_ms: Annotated[int, Range(-60_000, 120_000)] = 0
    rows: Literal["left_out", "late"] = "left_out"
    share_ppm: Annotated[int, Range(1_000, 1_000_000, log=True)] = 500_000
    late_ms: Annotated[int, Range(1_000, 1_800_000, log=True)] = 120_000
    lasts_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 3_600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The table that somebody reads, where a scale-up copies it."""
        return (TABLE,) if any(spec.step == "scale_up" for spec in model_of(scenario).runbook.steps) else ()

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Throws its dice when the table's turn comes."""
        drawn = share_of_rows(world, self.stream_name(), self.share_ppm)

        def leave_out(passage: Passage) -> bool:
            if passage.label != self.target:
                return False
            mine = drawn(passage.entities)
            if self.rows == "late":
                passage.delay_ms += mine * self.late_ms
            else:
                passage.is_lost |= mine
            return bool(mine.any())

        yield "database.copy", leave_out
