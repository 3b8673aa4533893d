"""OversizedArtefact: the market parameters that services read at boot have entries more than once, and are too long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.artefact import READERS
from drydock.models.model import model_of
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class OversizedArtefact(LastingFault):
    """Each entry occurs ``times``: what a service does with more than it holds, its venue says.

    A service that is up already has read the good one, and reads no other until it starts again.
    """

    kind: ClassVar[str] = "oversized_artefact"
    sentence: ClassVar[str] = "a generated configuration file has duplicate entries and is too long for who reads it"
    keywords: ClassVar[tuple[str, ...]] = (
        "configuration",
        "feature file",
        "duplicate rows",
        "limit",
        "Cloudflare",
        "X20",
    )

    step: str
    target: str = "all"
    offset_ms: Annotated[int, Range(-600_000, 60_000)] = 0
    times: Annotated[int, Range(2, 20)] = 2
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 300_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Those who read it, all or one of them, where the venue has such an artefact."""
        return () if model_of(scenario).venue.artefact is None else ("all", *READERS)

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Lists every entry again and again; of two such artefacts at once the longer one counts."""

        def duplicate(passage: Passage) -> bool:
            listed = passage.value
            if self.target not in ("all", passage.label) or listed is None or int(listed.max()) >= self.times:
                return False
            passage.value = np.where(listed > 0, self.times, 0)
            return True

        yield "artefact.read", duplicate
