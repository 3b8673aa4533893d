"""News: what the chain tells the cloud of its own accord: busts, refused liquidations, credited transfers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from drydock.harness.seam import Passage
from drydock.models.seams import new_seam

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

T = TypeVar("T")


class News:
    """The way back. Undisturbed it is at once: the cloud follows the sequencer's own stream."""

    def __init__(self, world: VenueWorld) -> None:
        self._sim = world.sim
        self._seam = new_seam(world.seams, "chain.notify")
        self._lane = world.sim.lane_of("chain/news")

    def tell(self, label: str, hear: Callable[[T], None], what: T) -> None:
        """``hear(what)``, now or when it arrives."""
        if not self._seam.bends:
            hear(what)
            return
        for late_ms, _ in self._seam.through(Passage(1, label)).groups():
            if late_ms:
                self._sim.call_in(late_ms, hear, what, self._lane, label)
            else:
                hear(what)
