"""A liquidator's view of the state: the cloud's as it is, or an older one where the view lags behind.

dYdX's liquidation daemon reads committed state in a loop of its own and sends candidates, 50 a block at most; how old
that state is depends on the node that it asks ([S] v4-chain, ``daemons/liquidation/client/sub_task_runner.go``).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage
from drydock.models.accounts import Holdings, Valuation
from drydock.models.seams import new_seam

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]


class _Seen(NamedTuple):
    at_ms: int
    holdings: Holdings
    marks: Ints
    indices: Ints


class StaleView:
    """Remembers states while somebody makes it lag; otherwise it costs one question a check."""

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._seam = new_seam(world.seams, "liquidator.check")
        self._seen: deque[_Seen] = deque()

    def read(self) -> tuple[Valuation, int] | None:
        """Everybody's account in an older state, and how many of them one check handles; None for now and all."""
        if not self._seam.bends:
            self._seen.clear()
            return None
        world, cloud, now_ms = self._world, self._world.cloud, self._world.sim.now_ms
        everybody = world.layout.accounts
        passage = self._seam.through(Passage(1, "check", policy=everybody))
        self._seen.append(_Seen(now_ms, cloud.holdings.copy(), cloud.mark, cloud.index.copy()))
        while len(self._seen) > 1 and self._seen[1].at_ms <= now_ms - int(passage.stale_ms[0]):
            self._seen.popleft()
        old = self._seen[0]
        fee_ppm = world.venue.liquidation.taker_fee_ppm
        value = old.holdings.value(old.marks, old.indices, world.markets.mmf_ppm, fee_ppm)
        return value, int(passage.policy or everybody)
