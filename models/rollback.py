"""Rollback: what a snapshot keeps, and every store that going back has to reach.

A venue's state lies in several stores: the chain, the cloud's copy of it, rows of the database, the order store, pages.
A rollback that forgets one leaves references to heights that no longer exist ([P] Paradex pages and Starknet nodes,
January 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from drydock.harness.seam import Passage
from drydock.models.chain import Snapshot
from drydock.models.events import RollbackDone
from drydock.models.seams import new_seam

if TYPE_CHECKING:
    from drydock.models.order_desk import OrderStore
    from drydock.models.world import VenueWorld

STORES = ("chain", "cloud", "index_rows", "portfolio", "vault", "orders")
"""In the order in which they go back; ``orders`` only where there is an order book."""


class Kept(NamedTuple):
    """What a snapshot step keeps: the chain, and the order store beside it."""

    chain: Snapshot
    orders: OrderStore | None


class Rollback:
    """Takes snapshots of a venue, and takes its stores back to one."""

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._seam = new_seam(world.seams, "rollback.store")

    def keep(self) -> Kept:
        """A snapshot of what cannot be derived from anything else."""
        desk = self._world.desk
        return Kept(self._world.chain.snapshot(), None if desk is None else desk.keep())

    def back_to(self, snapshot: Snapshot, orders: OrderStore | None = None) -> None:
        """Every store goes back. L1 and the block sequence go on."""
        for store, go_back in self._stores(snapshot, orders):
            if not (self._seam and self._seam.through(Passage(1, store)).is_lost[0]):
                go_back()

    def _stores(self, snapshot: Snapshot, orders: OrderStore | None) -> Iterator[tuple[str, Callable[[], None]]]:
        world = self._world
        yield "chain", lambda: world.chain.restore(snapshot)
        yield "cloud", lambda: world.cloud.resync(world.chain)
        yield "index_rows", world.restore_index_rows
        world.note_state()  # what pages read from now on, whatever was reached
        for page in world.pages:
            yield page.name, lambda page=page: page.drop(snapshot.height)  # type: ignore[misc]
        if orders is not None and world.desk is not None:
            kept, desk = orders, world.desk
            yield "orders", lambda: desk.restore(kept)

    def told(self, snapshot: Snapshot) -> RollbackDone:
        """What is true of every store after a rollback to this snapshot."""
        world = self._world
        high, low = world.chain.root()
        return RollbackDone(
            snapshot.height, high, low, *snapshot.root, world.chain.height, world.cloud.height,
            world.index_rows_height(), max(page.height for page in world.pages), world.chain.sequence,
            0 if world.desk is None else world.desk.matching.height(),
        )  # fmt: skip
