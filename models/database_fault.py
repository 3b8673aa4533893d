"""What the faults of the database share: they strike a client's commits, the primary, or a share of the rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drydock.harness.port import Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.draws import uniform_below
from drydock.models.perp.units import PPM
from drydock.models.venue_fault import LastingFault, VenueFault

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Mask = NDArray[np.bool_]
WRITERS = ("funding",)
"""Clients that write to the database by themselves."""


def share_of_rows(world: VenueWorld, stream_name: str, share_ppm: int) -> Callable[[int], Mask]:
    """Throws the run's dice for so many rows: which of them are struck."""
    stream: Any = world.sim.rng(stream_name)
    return lambda rows: uniform_below(stream.words(rows), PPM) < share_ppm


class WriterFault(VenueFault):
    """A fault that strikes what a client writes."""

    __slots__ = ()

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The clients that write."""
        return WRITERS

    def is_mine(self, passage: Passage) -> bool:
        """Whether this is the commit of a transaction in which the target writes."""
        return passage.label == f"{self.target}/write"


class CommitFault(WriterFault, LastingFault):
    """One that strikes the target's next ``commits`` writing transactions, if they come while it lasts."""

    __slots__ = ()

    commits: int

    @abstractmethod
    def strike(self, passage: Passage) -> None:
        """What happens to such a commit."""

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Counts the commits that it struck."""
        struck = 0

        def next_ones(passage: Passage) -> bool:
            nonlocal struck
            if struck >= self.commits or not self.is_mine(passage):
                return False
            struck += 1
            self.strike(passage)
            return True

        yield "database.commit", next_ones


class PrimaryFault(VenueFault):
    """A fault that strikes the primary itself."""

    __slots__ = ()

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The one database."""
        return ("database",)

    @classmethod
    def asks_of_database(cls, target: str) -> str:
        """One that can be promoted."""
        return "a standby"
