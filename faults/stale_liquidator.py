"""StaleLiquidator: the liquidator decides on a state that is old, and handles so many accounts a check at most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class StaleLiquidator(LastingFault):
    """Its view stops where it is and then follows ``stale_ms`` behind; of those it finds it takes the first.

    Whom it has liquidated stays under margin in the old state, and is found again and again.
    """

    kind: ClassVar[str] = "stale_liquidator"
    sentence: ClassVar[str] = "the liquidator decides on a state that is seconds or blocks old, a batch at a time"
    keywords: ClassVar[tuple[str, ...]] = ("liquidation daemon", "node lag", "stale state", "batch cap", "dYdX", "X13")

    step: str
    target: str = "liquidator"
    offset_ms: Annotated[int, Range(-120_000, 600_000)] = 0
    stale_ms: Annotated[int, Range(1_000, 600_000, log=True)] = 30_000
    accounts_max: Annotated[int, Range(1, 10_000, log=True)] = 50
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The liquidator."""
        return ("liquidator",)

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Shows it an old state, and ends its batch early."""

        def lag(passage: Passage) -> bool:
            passage.stale_ms[passage.stale_ms < self.stale_ms] = self.stale_ms
            passage.policy = min(int(passage.policy or 0), self.accounts_max)
            return True

        yield "liquidator.check", lag
