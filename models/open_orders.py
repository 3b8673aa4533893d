"""Open orders: what they hold back as margin, how many an account has in a market, and at which height each came.

Source: paradex-docs cross-margin-requirement.mdx: open orders need initial margin as positions
do. A maker's quotes need none here [A]: his inventory limit stands for what his agreement allows.
"""

from __future__ import annotations

from collections.abc import Sequence

from drydock.models.orders import Order
from drydock.models.perp.units import PPM


class OpenOrders:
    """Orders that rest in books or wait in auctions; quotes apart."""

    def __init__(self, reference_price: Sequence[int], imf_ppm: Sequence[int]) -> None:
        self._reference_price = reference_price
        self._imf_ppm = imf_ppm
        self.reserved: dict[int, int] = {}
        """Margin held back, by account (1e-6 USD)."""
        self.count: dict[tuple[int, int], int] = {}
        """How many, by (account, market)."""
        self._entered_at: dict[int, int] = {}

    def enter(self, market: int, order: Order, height: int | None = None) -> None:
        """An order rests or waits from now on; without a height it is one that was here before and comes back."""
        key = (order.owner, market)
        self.reserved[order.owner] = self.reserved.get(order.owner, 0) + self._margin(market, order.left)
        self.count[key] = self.count.get(key, 0) + 1
        if height is not None:
            self._entered_at[order.id] = height

    def filled(self, market: int, order: Order, size: int) -> None:
        """``size`` of an order was traded; with the last of it the order is gone."""
        self.reserved[order.owner] -= self._margin(market, order.left + size)
        self.reserved[order.owner] += self._margin(market, order.left)  # to the last 1e-6 USD, in parts or whole
        self.count[(order.owner, market)] -= order.left == 0

    def gone(self, market: int, order: Order) -> None:
        """An order is gone with what is left of it."""
        self.reserved[order.owner] -= self._margin(market, order.left)
        self.count[(order.owner, market)] -= 1

    def height_of(self, order: Order) -> int:
        """At which height it was entered."""
        return self._entered_at[order.id]

    def clear(self) -> None:
        """Nothing rests any more; what was entered when stays known."""
        self.reserved.clear()
        self.count.clear()

    def _margin(self, market: int, size: int) -> int:
        """At the night's reference price, so that what was held back is what is released."""
        return size * self._reference_price[market] * self._imf_ppm[market] // PPM
