"""Kind ``rollback``: what going back took from people whom nothing wrong had reached.

*Fills.* ``H_rollback`` is what the legitimate fills since the snapshot were worth to the account at the true marks of
the rollback, where that is a gain. A fill is legitimate at a price that the truth and the tolerance explain. From whom
something was wrongly taken since then was affected, gets that back, and has no line.

*L1 legs.* Deposits and payouts stay on L1. The chain owes each deposit again, and is owed each payout; a deposit that
does not come back is lost (``rollback``), a payout that is not debited again left twice (``leak``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from drydock.harness.event import Event

if TYPE_CHECKING:
    from drydock.models.events import Bust, Fill, L1Credited
    from drydock.models.harm.lines import Lines
    from drydock.models.harm.true_prices import TruePrices


class ErasedFills:
    """Legitimate fills since the snapshot, as (market, taker, maker, size, price)."""

    def __init__(self, prices: TruePrices, lines: Lines, first_person: int) -> None:
        self._prices = prices
        self._lines = lines
        self._first_person = first_person
        self._fills: list[tuple[int, int, int, int, int]] = []

    def on_fill(self, data: Fill) -> None:
        """A fill at a price that is explained."""
        self._fills.append(data[:5])

    def on_bust(self, event: Event) -> None:
        """The fill is undone; it is among the latest."""
        data: Bust = event.data
        undone = (data.market, data.taker, data.maker, data.size_quantums, data.price_quantums)
        for place in range(len(self._fills) - 1, -1, -1):
            if self._fills[place] == undone:
                del self._fills[place]
                break

    def on_snapshot(self) -> None:
        """No rollback reaches what came before."""
        self._fills.clear()

    def on_rollback(self, event: Event) -> None:
        """Charges what is erased."""
        for account, gain in sorted(self.gains(event.at_ms).items()):
            self._lines.add(account, "rollback", gain, event.identity)
        self._fills.clear()

    def notional(self) -> int:
        """What the legitimate fills of people changed hands at, in all (1e-6 USD)."""
        first = self._first_person
        return sum(abs(size) * price for _, taker, maker, size, price in self._fills if max(taker, maker) >= first)

    def gains(self, at_ms: int) -> dict[int, int]:
        """account -> what its legitimate fills are worth at the true marks of a time: gains alone (1e-6 USD)."""
        mark = self._prices.mark(at_ms).tolist()
        worth: dict[int, int] = {}
        for market, taker, maker, size, price in self._fills:
            gain = size * (mark[market] - price)
            worth[taker] = worth.get(taker, 0) + gain
            worth[maker] = worth.get(maker, 0) - gain
        wronged = self._lines.wronged_since()
        return {
            account: gain
            for account, gain in worth.items()
            if gain > 0 and account >= self._first_person and account not in wronged
        }


class Legs:
    """L1 transfers that the chain had credited and lost by going back, as (account, amount)."""

    def __init__(self) -> None:
        self._since: Counter[tuple[int, int]] = Counter()
        self._owed: Counter[tuple[int, int]] = Counter()

    def on_credit(self, event: Event) -> None:
        """One that was owed comes back, or a new one comes."""
        data: L1Credited = event.data
        leg = (data.account, data.amount_quantums)
        self._since[leg] += 1
        if self._owed[leg]:
            self._owed[leg] -= 1

    def on_snapshot(self) -> None:
        """What is credited is in the snapshot."""
        self._since.clear()

    def on_rollback(self) -> None:
        """Everything since is owed again."""
        self._owed += self._since
        self._since.clear()

    def lost(self) -> Iterator[tuple[int, int]]:
        """(account, signed amount) of what is still owed."""
        for (account, amount), times in sorted(self._owed.items()):
            if times:
                yield account, amount * times
