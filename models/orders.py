"""Orders as plain integers, and what happens to them when they are met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

BUY, SELL = 1, -1

Level = tuple[int, int]
"""Price (price quantums) and size (size quantums) of one step of a ladder."""

Fields = tuple[int, int, int, int, int, int, bool, bool]
"""An :class:`Order` as plain data, in the order of its fields."""


@dataclass(slots=True, eq=False)
class Order:
    """One order. The book owns ``left`` from the moment it is handed over; the other fields never change."""

    id: int  # the venue's number, once only
    owner: int  # account
    slot: int  # of the owner in this market
    side: int  # BUY or SELL
    price: int  # price quantums
    left: int  # size quantums still open, unsigned
    is_reduce_only: bool = False
    is_quote: bool = False  # one level of a mass quote, which the next mass quote of its owner replaces

    @property
    def fields(self) -> Fields:
        """The order as plain data: ``Order(*fields)`` is its equal."""
        return (
            self.id, self.owner, self.slot, self.side, self.price, self.left, self.is_reduce_only, self.is_quote
        )  # fmt: skip


class Match(NamedTuple):
    """A resting order was met: ``size`` (size quantums, unsigned) of it traded at its own ``price``."""

    order: Order
    size: int
    price: int


class Taken(NamedTuple):
    """What became of an incoming order: its matches in the order in which they happened, and the size that is left.

    ``cancelled`` are resting orders that it met and that were cancelled with what they had ``left``: those of the taker
    by the self-trade rule, those of others because they were reduce-only with nothing more to reduce.
    """

    matches: list[Match]
    left: int
    cancelled: list[Order]


Reducible = Callable[[Order], int]
"""By how much (size quantums, unsigned, 0 if not at all) an order's owner can reduce in the order's direction, as
accounts stand before the matches in progress. It must not touch the book."""
