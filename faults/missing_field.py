"""MissingField: the rows that a service restores lack one of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.index_rows import COLUMNS
from drydock.models.model import restarted_services
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class MissingField(LastingFault):
    """While it lasts the column is absent, not zero: what that means is the service's policy for what is missing."""

    kind: ClassVar[str] = "missing_field"
    sentence: ClassVar[str] = "the rows or the snapshot that a service restores lack one of their fields"
    keywords: ClassVar[tuple[str, ...]] = ("missing field", "partial snapshot", "null", "schema", "default zero", "X5")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-60_000, 120_000)] = 0
    column: Literal["at_ms", "carry", "height", "index"] = "at_ms"
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Services that restore rows when they are started."""
        return tuple(name for name in restarted_services(scenario) if name == "funding")

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Takes the column away."""

        def lack(passage: Passage) -> bool:
            passage.is_lost[COLUMNS.index(self.column)] = True
            return True

        yield f"{self.target}.restore", lack
