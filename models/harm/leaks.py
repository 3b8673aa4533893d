"""Kind ``leak``: money that left for L1 and was not there.

An account that a wrong index or mark made rich may withdraw gains that nobody has. Of a payout leaks what lies above
the account's true withdrawable amount, ``max(0, AV_true - IM_true)``, with the benefit of declared and stated bands.
No rollback brings it back. What of it the account owes in the end would be bad debt too, and is counted here alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drydock.harness.event import Event
from drydock.models.perp.units import PPM

if TYPE_CHECKING:
    from drydock.models.events import L1Credited, L1Transferred
    from drydock.models.harm.lines import Lines
    from drydock.models.harm.true_prices import TruePrices
    from drydock.models.truth import Truth


class Leaks:
    """Follows payouts; those on their way to the chain have left the account already."""

    def __init__(self, truth: Truth, prices: TruePrices, lines: Lines, first_person: int) -> None:
        self._truth = truth
        self._prices = prices
        self._lines = lines
        self._first_person = first_person
        self._on_the_way: dict[int, int] = {}

    def on_transfer(self, event: Event) -> None:
        """A payout, against what was the account's own."""
        data: L1Transferred = event.data
        if data.amount_quantums >= 0:
            return
        account, payout = data.account, -data.amount_quantums
        before = self._on_the_way.get(account, 0)
        self._on_the_way[account] = before + payout
        if account >= self._first_person:
            own = max(0, self._withdrawable(account, event.at_ms) - before)
            self._lines.add(account, "leak", payout - own, event.identity)

    def on_credit(self, event: Event) -> None:
        """The chain has debited a payout."""
        data: L1Credited = event.data
        if data.amount_quantums < 0 and data.account in self._on_the_way:
            left = self._on_the_way[data.account] + data.amount_quantums
            self._on_the_way[data.account] = max(0, left)  # after a rollback payouts are debited again

    def _withdrawable(self, account: int, at_ms: int) -> int:
        """True equity less true initial margin, with the benefit of the bands (1e-6 USD)."""
        truth, shadow = self._truth, self._truth.shadow
        equity = int(shadow.value(at_ms).equity[account])
        layout, size = shadow.holdings.layout, shadow.holdings.size
        slots = np.array(layout.slots_of_one(account))
        market = layout.market[slots]
        notional = np.abs(size[slots]) * self._prices.mark(at_ms)[market]
        ratio_ppm = truth.markets.imf_ppm[market] + truth.venue.liquidation.taker_fee_ppm - self._prices.tolerance_ppm
        return equity - int((notional // PPM * ratio_ppm).sum()) + int(shadow.band()[account])
