"""The liquidation circuit breaker (G21): more is liquidated than prices explain, so something else must be wrong.

    limit = base + factor * open interest * largest relative move of a mark within the window

No venue documents one ([I]); base, factor and window are parameters.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.models.events import BreakerTripped
from drydock.models.perp.units import PPM

if TYPE_CHECKING:
    from drydock.models.venue import CircuitBreaker
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]


class Breaker:
    """Remembers what was liquidated within the window, and the marks at each check in it and at the last one before.

    That one is minutes old after a closure: what prices did meanwhile explains what the first checks liquidate.
    """

    def __init__(self, world: VenueWorld, spec: CircuitBreaker) -> None:
        self._world = world
        self._sim = world.sim
        self._spec = spec
        self._liquidated: deque[tuple[int, int]] = deque()
        self._marks: deque[tuple[int, Ints]] = deque()
        self._halted_until_ms = -1

    def is_tripped(self) -> bool:
        """Asked before each check: whether liquidations are halted."""
        now_ms = self._sim.now_ms
        if now_ms < self._halted_until_ms:
            return True
        since_ms = now_ms - self._spec.window_ms
        self._marks.append((now_ms, self._world.cloud.mark))
        while self._liquidated and self._liquidated[0][0] < since_ms:
            self._liquidated.popleft()
        while len(self._marks) > 1 and self._marks[1][0] < since_ms:
            self._marks.popleft()
        liquidated = sum(amount for _, amount in self._liquidated)
        explained = self._explained() if liquidated > self._spec.base_quantums else liquidated
        if liquidated <= explained and not self._world.guards.misfires("circuit_breaker"):
            return False
        self._halted_until_ms = now_ms + self._spec.halt_ms
        self._liquidated.clear()
        self._sim.emit(BreakerTripped(liquidated, explained))
        return True

    def note(self, notional_quantums: int) -> None:
        """So much was liquidated at this check (1e-6 USD)."""
        self._liquidated.append((self._sim.now_ms, notional_quantums))

    def _explained(self) -> int:
        """What the window's price move explains, market by market (1e-6 USD)."""
        marks = np.stack([mark for _, mark in self._marks])
        lowest = marks.min(axis=0)
        move_ppm = (marks.max(axis=0) - lowest) * PPM // lowest
        holdings = self._world.cloud.holdings
        interest = holdings.layout.per_market(np.maximum(holdings.size, 0)) * lowest
        moved: int = sum(worth // PPM * move for worth, move in zip(interest.tolist(), move_ppm.tolist(), strict=True))
        return self._spec.base_quantums + moved * self._spec.factor_ppm // PPM
