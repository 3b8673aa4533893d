"""GenesisRestore: a restarted service restores its rows from an artefact that is far too old."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.model import restarted_services
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class GenesisRestore(LastingFault):
    """While it lasts rows are restored from the venue's first day, or from the last nightly copy, instead of the table.

    Both are good rows of their time: what is wrong is how old they are.
    """

    kind: ClassVar[str] = "genesis_restore"
    sentence: ClassVar[str] = "a restarted service restores from the genesis or an old snapshot, not from the newest"
    keywords: ClassVar[tuple[str, ...]] = ("genesis", "default", "old snapshot", "restore", "zero index", "X4")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-60_000, 120_000)] = 0
    artefact: Literal["genesis", "nightly"] = "genesis"
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Services that restore rows when they are started."""
        return tuple(name for name in restarted_services(scenario) if name == "funding")

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Names the artefact."""

        def name_it(passage: Passage) -> bool:
            passage.policy = self.artefact
            return True

        yield f"{self.target}.restore", name_it
