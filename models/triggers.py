"""Take-profit and stop-loss orders: they wait in the cloud, and become market orders when the mark reaches them.

Source: paradex-docs stop-order.mdx, tp-sl.mdx: triggers use the mark price, and make market orders. They are
reduce-only over the whole position. What the order cannot fill is rejected like any market order's remainder, and the
trigger is used up ([I] price-bands.mdx): the position stands naked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drydock.models.matching import OF_TRIGGER
from drydock.models.order_events import TriggerDone, TriggerFired
from drydock.models.traders import STOP_LOSS, TAKE_PROFIT, TriggerOrders

if TYPE_CHECKING:
    from drydock.models.venue import OrderKind
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
KINDS: dict[str, int] = {"take_profit": TAKE_PROFIT, "stop_loss": STOP_LOSS}


class KeptTriggers(NamedTuple):
    """Which triggers waited."""

    is_waiting: Mask


class Triggers:
    """All triggers of a night by number. ``is_told`` is what their owners believe to wait."""

    def __init__(self, world: VenueWorld, orders: TriggerOrders) -> None:
        self._world = world
        self._sim = world.sim
        self._lane = world.sim.lane_of("triggers")
        self.orders = orders
        self.is_waiting: Mask = np.ones(len(orders.slot), np.bool_)
        self.is_told: Mask = self.is_waiting.copy()

    def on_prices(self) -> None:
        """New marks in the cloud: those that they reach fire, where the venue fires at all."""
        world = self._world
        if not (world.may_act("trigger") and world.gateway.is_ready and world.matching.is_assessed):
            return
        for n in self._reached().tolist():
            self._fire(n)

    def _reached(self) -> Ints:
        """Waiting triggers whose position still stands and whose price the mark has reached."""
        orders, cloud = self.orders, self._world.cloud
        mark = cloud.mark[orders.market]
        reached = self.is_waiting & np.where(orders.is_above, mark >= orders.price, mark <= orders.price)
        if not reached.any():
            return np.zeros(0, np.int64)
        size = cloud.holdings.size[orders.slot]
        reached &= np.where(orders.is_long, size > 0, size < 0)
        freshness = self._world.venue.safeguards.price_freshness
        if freshness is not None:
            reached &= (self._sim.now_ms - cloud.price_ms <= freshness.fill_ms)[orders.market]
        return np.flatnonzero(reached)

    def _fire(self, n: int) -> None:
        orders, world = self.orders, self._world
        market, account = int(orders.market[n]), int(orders.account[n])
        self.is_waiting[n] = False
        price, mark = int(orders.price[n]), world.cloud.mark_one(market)
        self._sim.emit(TriggerFired(n, account, market, int(orders.kind[n]), price, mark, world.mode), self._lane)
        assert world.venue.order_book is not None
        self._sim.call_in(world.venue.order_book.trigger_ms, self._execute, n, self._lane, "trigger")

    def _execute(self, n: int) -> None:
        """A reduce-only market order over the whole position, and its owner is told."""
        slot, world = int(self.orders.slot[n]), self._world
        market, account = int(self.orders.market[n]), int(self.orders.account[n])
        size = -world.cloud.holdings.size_one(slot)
        left = world.matching.market_order(market, slot, size, OF_TRIGGER, is_reduce_only=True) if size else 0
        self.is_told[n] = False
        self._sim.emit(TriggerDone(n, account, market, abs(size - left), abs(left)), self._lane)

    # ---- the order store -----------------------------------------------------------------------------------------
    def keep(self) -> KeptTriggers:
        """Which wait now."""
        return KeptTriggers(self.is_waiting.copy())

    def restore(self, kept: KeptTriggers) -> None:
        """Those that waited then wait again, and their owners are told."""
        self.is_waiting = kept.is_waiting.copy()
        self.is_told = self.is_waiting.copy()

    def cancel(self, keep: tuple[OrderKind, ...]) -> int:
        """Cancels all but these kinds, and tells their owners. Returns how many."""
        kept = np.isin(self.orders.kind, [KINDS[kind] for kind in keep if kind in KINDS])
        gone = int((self.is_waiting & ~kept).sum())
        self.is_waiting &= kept
        self.is_told &= kept
        return gone
