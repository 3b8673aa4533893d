"""Swizzle: links are cut one after another, and come back in another order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.sim import Steps
from drydock.models.links import benders_of, between, channels_of, links, lose
from drydock.models.venue_fault import VenueFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class Swizzle(VenueFault):
    """``cuts`` of them, drawn by the run's seed, ``gap_ms`` apart; all are down for ``lasts_ms``.

    FoundationDB's swizzle-clogging: what finds the order of recoveries that nobody thought of. Fewer links than there
    are, so that never everything is cut.
    """

    kind: ClassVar[str] = "swizzle"
    sentence: ClassVar[str] = "links between components are cut one after another and restored in another order"
    keywords: ClassVar[tuple[str, ...]] = ("swizzle", "clogging", "partition", "rolling outage", "network", "X15")

    step: str
    target: str = "network"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    cuts: Annotated[int, Range(2, 6)] = 4
    gap_ms: Annotated[int, Range(10, 60_000, log=True)] = 5_000
    lasts_ms: Annotated[int, Range(1_000, 600_000, log=True)] = 20_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The network as a whole."""
        return ("network",)

    def inject(self, world: VenueWorld) -> Steps:
        """Cuts, waits, and restores; an interrupt restores what is still cut."""
        rng = world.sim.rng(self.stream_name())
        names = links(channels_of(world.case.scenario))
        chosen = rng.shuffled(list(range(len(names))))[: self.cuts]
        yield world.until(self.step, self.offset_ms)
        cut: dict[int, ExitStack] = {}
        with ExitStack() as stack:
            for link in chosen:
                cut[link] = stack.enter_context(ExitStack())
                for seam, bender in benders_of(between(names[link]), lose):
                    cut[link].enter_context(world.seams[seam].bend(bender))
                yield world.sim.sleep(self.gap_ms, "cut")
            yield world.sim.sleep(self.lasts_ms, "heal")
            for link in rng.shuffled(chosen):
                cut[link].close()
                yield world.sim.sleep(self.gap_ms, "restore")
