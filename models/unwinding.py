"""Unwinding: the Liquidator Vault sells what it took over into the real book, within the price band.

Source: paradex-docs liquidations.mdx: positions go to the Insurance Fund, which unwinds in the market; how fast is an
assumption. It has a phase of its own inside the five seconds: what it sweeps between a check and the next mark, the
mark does not see, and that decides much of what a thin book does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drydock.models.accounts import VAULT
from drydock.models.matching import OF_VAULT
from drydock.models.perp.units import PPM
from drydock.models.phase import to_phase_ms

if TYPE_CHECKING:
    from drydock.models.venue import OrderBookSpec
    from drydock.models.world import VenueWorld


class Unwinding:
    """Runs with the liquidator: what it took over, it sells."""

    def __init__(self, world: VenueWorld, spec: OrderBookSpec) -> None:
        self._world = world
        self._sim = world.sim
        self._spec = spec
        self._lane = world.sim.lane_of("liquidator/unwinder")

    def begin(self, epoch: int) -> None:
        """The liquidator is ready: from the next instant of this phase on."""
        wait_ms = to_phase_ms(self._sim.now_ms, self._spec.unwind_ms, self._spec.unwind_phase_ms)
        self._sim.call_in(wait_ms, self._tick, epoch, self._lane, "unwind")

    def _tick(self, epoch: int) -> None:
        world = self._world
        if not world.liquidator.is_current(epoch):
            return
        self._sim.call_in(self._spec.unwind_ms, self._tick, epoch, self._lane, "unwind")
        self._sim.cause = None
        if world.may_act("fill") and self._spec.unwind_ppm:
            inventory = world.cloud.holdings.size[: len(world.markets)]  # the vault is account 0 and dense
            for market in np.flatnonzero(inventory).tolist():
                size = -(-abs(int(inventory[market])) * self._spec.unwind_ppm // PPM)
                signed = -size if inventory[market] > 0 else size
                slot = world.layout.dense_slot(VAULT, market)
                world.matching.market_order(market, slot, signed, OF_VAULT, is_reduce_only=True)
