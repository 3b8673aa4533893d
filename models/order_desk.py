"""The order desk: all that a venue with an order book has and one without has not, and the order store as a whole.

Orders live in the cloud alone ([S] paradex-docs privacy.mdx), so a snapshot of the chain keeps them beside it, and a
rollback has to bring them back by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drydock.models.makers import Makers
from drydock.models.matching import BY_STEP, KeptBooks
from drydock.models.opportunists import Opportunists
from drydock.models.order_events import OrdersKept
from drydock.models.resync import Resync
from drydock.models.traders import TriggerOrders
from drydock.models.triggers import KeptTriggers

if TYPE_CHECKING:
    from drydock.models.venue import OrderBookSpec, OrderKind
    from drydock.models.world import VenueWorld


class OrderStore(NamedTuple):
    """Orders in the books, and triggers that wait."""

    books: KeptBooks
    triggers: KeptTriggers


class OrderDesk:
    """Books, triggers, and those who quote."""

    def __init__(self, world: VenueWorld, book: OrderBookSpec, orders: TriggerOrders) -> None:
        self._world = world
        self.matching = world.make_matching()
        self.makers = Makers(world)
        self._opportunists = [Opportunists(world, "harvest"), Opportunists(world, "squeeze")]
        self.triggers = world.make_triggers(orders)
        self.resync = Resync(world, book)
        world.chain.on_bust = self.resync.on_bust

    # ---- what it hears -------------------------------------------------------------------------------------------
    def on_mode(self, mode: str) -> None:
        """Makers follow the status page, and what waits for a mode looks again."""
        self.makers.on_mode(mode)
        self.after_prices()

    def after_prices(self) -> None:
        """New marks are in the cloud: what the venue's own orders, and those who wait for thin books, make of them."""
        self.matching.enforce_band()
        self.triggers.on_prices()
        is_thin = self._world.takes_orders and bool(self.matching.thin())
        for waiting in self._opportunists:
            if is_thin:
                waiting.watch()
            else:
                waiting.rest()

    # ---- the order store -----------------------------------------------------------------------------------------
    def keep(self) -> OrderStore:
        """What a snapshot keeps."""
        self.note("snapshot")
        return OrderStore(self.matching.keep(), self.triggers.keep())

    def restore(self, store: OrderStore) -> None:
        """Back to what was kept."""
        self.matching.restore(store.books)
        self.triggers.restore(store.triggers)
        self.note("rollback")

    def cancel(self, keep: tuple[OrderKind, ...]) -> None:
        """The runbook's step: cancels all orders but these kinds, and tells their owners."""
        if "limit" not in keep:
            self.matching.cancel_resting(BY_STEP)
        self.triggers.cancel(keep)
        self.note("cancel")

    def note(self, moment: str) -> None:
        """Says what is in the order store."""
        waiting, told = np.flatnonzero(self.triggers.is_waiting), np.flatnonzero(self.triggers.is_told)
        kinds = self.triggers.orders.kind[waiting]
        kept = OrdersKept(moment, self.matching.height(), waiting, told, self.matching.resting(), kinds)
        self._world.sim.emit(kept)
