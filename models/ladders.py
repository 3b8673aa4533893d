"""A maker's ladder in one market, folded: levels that nobody has looked at are no orders yet.

Of a thousand levels that makers quote hardly one is ever met; an :class:`Order` and a place in a queue for each of
them cost half a night of a venue with many markets. A ladder keeps what these would be made of. The book deals with the
heads of ladders itself, and unfolds them where more is asked for (``book.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drydock.models.orders import BUY, SELL, Order

FAR = 1 << 62
"""Beyond every price."""


class Ladder:
    """Levels of one owner, all of one size: ``bids`` and ``asks`` are prices, best first, of what is left of them.

    ``bid_left`` and ``ask_left`` are what the first level of a side still has. Ids and places in the queue count from
    the first bid to the last ask; ``shift`` is the distance between the two.
    """

    __slots__ = ("ask_id", "ask_left", "asks", "bid_id", "bid_left", "bids", "owner", "shift", "size", "slot")

    def __init__(
        self, owner: int, slot: int, bids: list[int], asks: list[int], size: int, first_id: int, place: int
    ) -> None:
        self.owner = owner
        self.slot = slot
        self.bids = bids
        self.asks = asks
        self.size = self.bid_left = self.ask_left = size
        self.bid_id = first_id
        self.ask_id = first_id + len(bids)
        self.shift = place - first_id

    def __len__(self) -> int:
        return len(self.bids) + len(self.asks)

    def __contains__(self, order_id: int) -> bool:
        return 0 <= order_id - self.bid_id < len(self.bids) or 0 <= order_id - self.ask_id < len(self.asks)

    @property
    def place(self) -> int:
        """Of what is left here: comes before whatever was quoted later, and after all that was there before."""
        return self.bid_id + self.shift

    def head(self, side: int) -> tuple[int, int]:
        """Price and size of the first level of a side."""
        return (self.bids[0], self.bid_left) if side > 0 else (self.asks[0], self.ask_left)

    def meet(self, side: int, size: int) -> tuple[Order, bool]:
        """The first level of a side gives so much, at most what it has: as an order, and whether it is used up."""
        if side > 0:
            order = Order(self.bid_id, self.owner, self.slot, BUY, self.bids[0], self.bid_left - size, False, True)
            self.bid_left = order.left or self.size
            if not order.left:
                self.bid_id += 1
                del self.bids[0]
        else:
            order = Order(self.ask_id, self.owner, self.slot, SELL, self.asks[0], self.ask_left - size, False, True)
            self.ask_left = order.left or self.size
            if not order.left:
                self.ask_id += 1
                del self.asks[0]
        return order, not order.left

    def orders(self) -> Iterator[tuple[int, Order]]:
        """What is left as orders, each with its place in the queue."""
        for side, prices, first_id, left in (
            (BUY, self.bids, self.bid_id, self.bid_left),
            (SELL, self.asks, self.ask_id, self.ask_left),
        ):
            for order_id, price in enumerate(prices, first_id):
                order = Order(order_id, self.owner, self.slot, side, price, left, False, True)
                yield order_id + self.shift, order
                left = self.size


def would_meet(ladders: Iterable[Ladder], bids: list[int], asks: list[int]) -> bool:
    """Whether any of these levels, best first, would meet one of a ladder or of their own other side."""
    bid, ask = bids[0] if bids else -FAR, asks[0] if asks else FAR
    if bid >= ask:
        return True
    for ladder in ladders:
        if ladder.asks and ladder.asks[0] <= bid:
            return True
        if ladder.bids and ladder.bids[0] >= ask:
            return True
    return False


def first(ladders: Iterable[Ladder], side: int) -> Ladder | None:
    """Whose first level of a side comes first; ``ladders`` in the order in which they were quoted."""
    found: Ladder | None = None
    best = 0
    for ladder in ladders:
        prices = ladder.bids if side > 0 else ladder.asks
        if prices and (found is None or side * prices[0] > best):
            found, best = ladder, side * prices[0]
    return found
