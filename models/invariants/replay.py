"""M8: the fills of a block commute."""

from __future__ import annotations

from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.port import Case
from drydock.harness.report.words import count
from drydock.models.accounts import Holdings
from drydock.models.block_order import OPERATIONS
from drydock.models.events import BlockSealed, BlockView, Bust, IndexOnchain, L1Credited, RollbackDone
from drydock.models.invariants.base import VenueLaw
from drydock.models.model import model_of

REPLAY_EVERY_MS = 60_000
RETRY_MS = 15_000


class Commutes(VenueLaw):
    """M8: the state after a block is the same in whatever order its fills between two funding ticks are booked.

    Operations that do not commute have an order: where the chain declares one, every block keeps it.

    Once a minute the law keeps a copy of the sealed state, books the next block's fills on it in reverse order, and
    compares. Declared commutative are fills, with each other and with prices. A funding index comes where it came;
    blocks with a liquidation, a bust or an L1 transfer are left out: their order is declared to matter.
    """

    id, law_class = "M8", "safety"
    sentence = (
        "the order in which a block books its fills changes nothing, and where order matters it is the declared one"
    )
    source = "dYdX, 10 October 2025: two transfers of one block in the wrong order halted the chain"
    hears = (BlockSealed, IndexOnchain, Bust, L1Credited, RollbackDone)

    def applicable(self, case: Case) -> bool:
        """Where people trade."""
        return model_of(case.scenario).population.fills_per_minute > 0

    def begin(self, truth: Any) -> None:
        """No copy yet."""
        super().begin(truth)
        self._copy: Holdings | None = None
        self._ticks: list[IndexOnchain] = []
        self._next_ms = 0

    def observe(self, event: Event) -> None:
        """Copies at one block, judges at the next."""
        data = event.data
        if isinstance(data, BlockSealed):
            self._judge_order(event, data.view)
            copy, self._copy = self._copy, None
            if copy is not None and data.view.fills and not data.view.liquidated:
                self._next_ms = event.at_ms + REPLAY_EVERY_MS
                self._judge(event, data.view, copy)
            elif event.at_ms >= self._next_ms:
                self._next_ms = event.at_ms + RETRY_MS
                self._take(data.view)
        elif isinstance(data, IndexOnchain):
            if self._copy is not None:
                self._ticks.append(data)
        else:
            self._copy = None

    def _judge_order(self, event: Event, view: BlockView) -> None:
        if self.truth.venue.chain.order != "arrival" and tuple(view.operations) != OPERATIONS:
            self._checks += 1
            told = f"the block does {', '.join(view.operations)}, in this order; declared is {', '.join(OPERATIONS)}"
            self.find(event.at_ms, told, event.identity, role="order")

    def _take(self, view: BlockView) -> None:
        self._copy = Holdings(
            view.layout, view.quote.copy(), view.size.copy(), view.cached.copy(), view.realised.copy()
        )
        self._index = view.index.copy()
        self._ticks = []

    def _judge(self, event: Event, view: BlockView, copy: Holdings) -> None:
        index, market_of, first = self._index, view.layout.market_of, 0
        for tick, last in zip((*self._ticks, None), (*view.index_after, len(view.fills)), strict=True):
            now = index.tolist()
            for taker_slot, maker_slot, size, price in reversed(view.fills[first:last]):
                copy.fill_one(taker_slot, maker_slot, size, price, now[market_of[taker_slot]])
            if tick is not None:
                index[tick.markets] = tick.indices
            first = last
        self._compare(event, view, copy)

    def _compare(self, event: Event, view: BlockView, copy: Holdings) -> None:
        names = ("quote", "size", "cached", "realised")
        apart = [name for name in names if not np.array_equal(getattr(view, name), getattr(copy, name))]
        told = f"{count(len(view.fills), 'fill')} in reverse order came to other values of {', '.join(apart)}"
        self.check(event, not apart, told)
