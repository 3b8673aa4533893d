"""What the faults of outside prices share: which sources there are, and which of the markets one of them strikes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from drydock.harness.port import Scenario
from drydock.harness.seam import Bender, Mask, Passage
from drydock.models.model import model_of
from drydock.models.venue_fault import LastingFault

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld


def sources(scenario: Scenario) -> tuple[str, ...]:
    """Each spot source and each external venue by its name: ``spot-1``, ``external-3``."""
    oracle = model_of(scenario).venue.oracle
    spots = tuple(f"spot-{n + 1}" for n in range(oracle.spot_sources))
    return (*spots, *(f"external-{n + 1}" for n in range(oracle.external_venues)))


class OracleFault(LastingFault):
    """A fault of what one source says, or all spot sources, or all external venues, about some of the markets."""

    __slots__ = ()

    markets: int

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """``spot`` and ``external`` stand for all of their kind."""
        return ("spot", "external", *sources(scenario))

    @abstractmethod
    def strike(self, world: VenueWorld, struck: Mask) -> Bender:
        """What happens to a message of the target in the markets that are struck."""

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Bends the target's messages and leaves the others."""
        strike = self.strike(world, self.struck(world))

        def bend(passage: Passage) -> bool:
            return self.target in (passage.label, passage.label.rpartition("-")[0]) and strike(passage)

        yield f"oracle.{self.target.partition('-')[0]}", bend

    def struck(self, world: VenueWorld) -> Mask:
        """``markets`` of them, drawn by the run's seed: those of fewer markets are among those of more."""
        words = world.sim.rng(self.stream_name()).words(len(world.markets))
        struck = np.zeros(len(words), np.bool_)
        struck[np.argsort(words, kind="stable")[: self.markets]] = True
        return struck
