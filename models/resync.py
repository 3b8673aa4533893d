"""RESYNC: an account whose fill the chain refused is closed until the cloud has its state from the chain again.

Source: paradex-docs risk-system/trade-busts.mdx: off-chain state is reverted, affected orders return to their pre-trade
state, in-flight trades can bust in cascade, and the account is synchronised from the chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.models.chain import FillTx
from drydock.models.matching import BY_RESYNC
from drydock.models.order_events import ResyncEnded, ResyncStarted

if TYPE_CHECKING:
    from drydock.models.venue import OrderBookSpec
    from drydock.models.world import VenueWorld


class Resync:
    """Accounts in RESYNC, and since when."""

    def __init__(self, world: VenueWorld, spec: OrderBookSpec) -> None:
        self._world = world
        self._sim = world.sim
        self._lane = world.sim.lane_of("cloud/resync")
        chain = world.venue.chain
        self._least_ms = max(spec.resync_ms, 2 * chain.block_ms + chain.submit_ms)
        self._since_ms: dict[int, int] = {}

    def on_bust(self, fill: FillTx) -> None:
        """The fill is taken back from both parties; the taker is closed, and what he has in the book is cancelled."""
        world = self._world
        world.cloud.on_bust(fill)
        account = world.cloud.account_of(fill.taker_slot)
        if account in self._since_ms:
            return
        self._since_ms[account] = self._sim.now_ms
        world.matching.resyncing.add(account)
        world.matching.cancel_resting(BY_RESYNC, account)
        self._sim.emit(ResyncStarted(account, world.chain.in_flight(account)), self._lane)

    def on_sealed(self) -> None:
        """Accounts closed for so long that nothing of theirs is under way are compared and opened."""
        if not self._since_ms:
            return
        due = [a for a, since_ms in self._since_ms.items() if self._sim.now_ms - since_ms >= self._least_ms]
        for account in due:
            del self._since_ms[account]
            self._world.matching.resyncing.discard(account)
            gap, apart = self._world.cloud.resync_account(account, self._world.chain)
            self._sim.emit(ResyncEnded(account, gap, apart), self._lane)
