"""LateIndex: indices of some markets reach the cloud and the chain late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Passage
from drydock.harness.sim import Steps
from drydock.models.model import step_names
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class LateIndex:
    """The first ``markets`` markets of every tick arrive ``delay_ms`` later."""

    kind: ClassVar[str] = "late_index"
    sentence: ClassVar[str] = "funding indices of some markets reach cloud and chain late"
    keywords: ClassVar[tuple[str, ...]] = ("bus", "partial message")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-60_000, 60_000)] = 0
    markets: Annotated[int, Range(1, 200)] = 3
    delay_ms: Annotated[int, Range(100, 600_000, log=True)] = 20_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The role that it strikes."""
        return ("funding",)

    def applicable(self, scenario: Scenario) -> bool:
        """Whether its step exists there."""
        return self.step in step_names(scenario)

    def inject(self, world: VenueWorld) -> Steps:
        """Waits for its moment, bends the seam, and heals by leaving the ``with``."""
        yield world.until(self.step, self.offset_ms)

        def late(passage: Passage) -> bool:
            passage.delay_ms[: self.markets] += self.delay_ms
            return True

        with world.seams["funding.publish"].bend(late):
            yield world.sim.sleep(self.lasts_ms, "heal")

    def simpler(self) -> Iterable[LateIndex]:
        """Fewer markets, at its step."""
        if self.offset_ms:
            yield replace(self, offset_ms=0)
        if self.markets > 1:
            yield replace(self, markets=1)
