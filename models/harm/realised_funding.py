"""Kind ``funding``: realised at a wrong index.

A fill and a liquidation realise the funding of a position and re-cache its index. Where the published index is not the
truth's, ``H_fund = -(F_published - F_true)`` was taken too much: once per position, which stands at the wrong index
from then on. What restoring the true index would take on top (``-q * I``) is not harm yet: it is what a repair has to
see to (``models/contamination.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Event
from drydock.models.perp.funding import funding_pnl
from drydock.models.perp.units import none_true

if TYPE_CHECKING:
    from drydock.models.events import Fill, Liquidation
    from drydock.models.harm.lines import Lines
    from drydock.models.truth import Truth

Ints = NDArray[np.int64]


class RealisedFunding:
    """Which positions were realised at a wrong index, and what it took from them."""

    def __init__(self, truth: Truth, lines: Lines, first_person: int) -> None:
        self._truth = truth
        self._lines = lines
        self._first_person = first_person
        self._is_any_wrong = False
        self._charged: set[int] = set()

    def on_index(self, event: Event) -> None:
        """Whether any market's published index is wrong now."""
        self._is_any_wrong = not none_true(self._truth.shadow.is_wrong)

    def on_fill(self, event: Event, data: Fill) -> None:
        """Both parties realise; people count."""
        if not self._is_any_wrong or not self._truth.shadow.is_wrong[data.market]:
            return
        slot_of = self._truth.shadow.holdings.layout.slot_of
        for account in (data.taker, data.maker):
            slot = slot_of[(account, data.market)]
            if account >= self._first_person and slot not in self._charged:
                self._charge(event, account, np.array([slot]))

    def on_liquidation(self, event: Event, data: Liquidation) -> None:
        """All positions of the account are realised at once: gains and losses of wrong indices net out."""
        if self._is_any_wrong and data.account >= self._first_person:
            self._charge(event, data.account, np.array(self._truth.shadow.holdings.layout.slots_of_one(data.account)))

    def on_rollback(self) -> None:
        """Positions stand at right indices again."""
        self._is_any_wrong = False
        self._charged.clear()

    def _charge(self, event: Event, account: int, slots: Ints) -> None:
        shadow, watch = self._truth.shadow, self._truth.watch
        market = shadow.holdings.layout.market[slots]
        is_new = np.array([slot not in self._charged for slot in slots.tolist()])
        counts = shadow.is_wrong[market] & is_new
        self._charged.update(slots[counts].tolist())
        size, right = shadow.holdings.size[slots], shadow.index(event.at_ms)[market]
        taken = -funding_pnl(size, watch.index[market], right)
        self._lines.add(account, "funding", int(taken[counts].sum()), event.identity)
