"""BlockOrderSwapped: a block does one of its operations too late in its order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.block_order import OPERATIONS
from drydock.models.model import model_of
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class BlockOrderSwapped(LastingFault):
    """The target comes so many ``places`` later than declared: a release that lists its modules otherwise.

    Some of these orders give the same state; that they do is luck, and the law that asserts the order says so.
    """

    kind: ClassVar[str] = "block_order_swapped"
    sentence: ClassVar[str] = "a block does an operation after those that should follow it"
    keywords: ClassVar[tuple[str, ...]] = ("operation order", "end block", "code-ordering error", "dYdX", "X11")

    step: str
    target: str = "prices"
    offset_ms: Annotated[int, Range(-120_000, 600_000)] = 0
    places: Annotated[int, Range(1, len(OPERATIONS) - 1)] = 1
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """All operations but the last, of a chain that declares their order; a chain of arrivals has none."""
        return OPERATIONS[:-1] if model_of(scenario).venue.chain.order == "by_kind" else ()

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Puts the target later in every block."""

        def swap(passage: Passage) -> bool:
            names = str(passage.policy).split()
            place = names.index(self.target)
            if place + 1 == len(names):
                return False
            names.insert(place + self.places, names.pop(place))
            passage.policy = " ".join(names)
            return True

        yield "chain.order", swap
