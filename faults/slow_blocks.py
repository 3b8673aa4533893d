"""SlowBlocks: the sequencer seals its blocks late, and cloud and chain drift apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.draws import lognormal_ms, once
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class SlowBlocks(LastingFault):
    """Each block comes a drawn time after its boundary, ``late_ms`` on average; what has arrived by then is in it.

    What the cloud did meanwhile is validated at the end of a longer block: its fills bust together.
    """

    kind: ClassVar[str] = "slow_blocks"
    sentence: ClassVar[str] = (
        "the sequencer seals late: the cloud runs ahead of the chain, and trades bust in a cascade"
    )
    keywords: ClassVar[tuple[str, ...]] = ("sequencer", "block time", "trade bust", "divergence", "resync", "X14")

    step: str
    target: str = "sequencer"
    offset_ms: Annotated[int, Range(-120_000, 600_000)] = 0
    late_ms: Annotated[int, Range(500, 300_000, log=True)] = 30_000
    sigma_ppm: Annotated[int, Range(0, 1_500_000)] = 0
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 300_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The chain's sequencer."""
        return ("sequencer",)

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Makes each block late."""
        stream = world.sim.rng(self.stream_name())

        def slow(passage: Passage) -> bool:
            late_ms = once(stream, lognormal_ms, self.late_ms, self.sigma_ppm)
            passage.delay_ms += late_ms
            return late_ms > 0

        yield "chain.seal", slow
