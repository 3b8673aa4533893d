"""Unwinding: the Liquidator Vault sells what it took over into the real book, within the price band.

Source: paradex-docs liquidations.mdx: positions go to the Insurance Fund, which unwinds in the market; how fast is an
assumption. It has a phase of its own inside the five seconds: what it sweeps between a check and the next mark, the
mark does not see, and that decides much of what a thin book does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drydock.models.accounts import VAULT
from drydock.models.beat import Beat
from drydock.models.matching import OF_VAULT
from drydock.models.perp.units import PPM
from drydock.models.phase import to_phase_ms

if TYPE_CHECKING:
    from drydock.models.liquidator import Liquidator
    from drydock.models.venue import OrderBookSpec


class Unwinding:
    """Runs with the liquidator: what it took over, it sells."""

    def __init__(self, liquidator: Liquidator, spec: OrderBookSpec) -> None:
        self._liquidator = liquidator
        self._world = liquidator.world
        self._sim = liquidator.sim
        self._spec = spec
        lane = liquidator.sim.lane_of("liquidator/unwinder")
        self._beat = Beat(liquidator, "unwind", lane, self._unwind, spec.unwind_ms, spec.unwind_phase_ms)

    def begin(self) -> None:
        """The liquidator is ready: from the next instant of this phase on."""
        wait_ms = to_phase_ms(self._liquidator.clock_ms(), self._spec.unwind_ms, self._spec.unwind_phase_ms)
        self._beat.begin(wait_ms)

    def _unwind(self, at_ms: int) -> None:
        world = self._world
        self._sim.cause = None
        if world.may_act("fill") and self._spec.unwind_ppm:
            inventory = world.cloud.holdings.size[: len(world.markets)]  # the vault is account 0 and dense
            for market in np.flatnonzero(inventory).tolist():
                size = -(-abs(int(inventory[market])) * self._spec.unwind_ppm // PPM)
                signed = -size if inventory[market] > 0 else size
                slot = world.layout.dense_slot(VAULT, market)
                world.matching.market_order(market, slot, signed, OF_VAULT, is_reduce_only=True)
