"""The order of operations inside a block, where a chain declares one instead of that of arrival.

A chain that applies transactions as they come has nothing to get wrong. One that does all of a kind together has an
order on which results depend: dYdX's modules run one after another, and two transfers of one block in the wrong order
halted it on 10 October 2025 ([S] incident review; v4-chain ``app/app.go``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from drydock.harness.seam import Passage
from drydock.models.seams import new_seam

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

OPERATIONS = ("credits", "indices", "prices", "fills", "busts", "liquidations")
"""The declared order: money first, then what positions are valued by, trades and their validation, liquidations."""
OPERATION_OF = {"FillTx": "fills", "IndexTx": "indices", "PriceTx": "prices", "LiquidationTx": "liquidations"}
"""The operation that a kind of transaction belongs to."""


class BlockOrder:
    """Takes the transactions of a block apart by kind, and does one operation after another."""

    def __init__(self, world: VenueWorld) -> None:
        self.is_declared = world.venue.chain.order == "by_kind"
        self.last: Sequence[str] = ()
        """The order in which the last block did its operations; empty where they were done as they came."""
        self._seam = new_seam(world.seams, "chain.order")

    def play(
        self,
        pending: Sequence[object],
        apply: Callable[[list[Any]], None],
        steps: dict[str, Callable[[], None]],
    ) -> None:
        """Does the operations of one block: ``steps`` by name, and ``apply`` for the transactions of every other."""
        self.last = OPERATIONS
        if self._seam:
            passage = self._seam.through(Passage(1, "block", policy=" ".join(OPERATIONS)))
            self.last = tuple(str(passage.policy).split())
        for operation in self.last:
            if operation in steps:
                steps[operation]()
            else:
                apply([transaction for transaction in pending if OPERATION_OF[type(transaction).__name__] == operation])
