"""Mass quotes: a maker's ladders in many markets, replaced and taken back together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.models.orders import Order
from drydock.models.perp.units import PPM

if TYPE_CHECKING:
    from drydock.models.auction import CallAuction
    from drydock.models.matching import Matching
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Row = tuple[int, int, list[int], list[int], int]
"""Market, slot, prices of bids and of asks, best first, and the size of a level."""


class MassQuotes:
    """What :class:`Matching` does with the ladders of makers; whether it takes any is its own to say."""

    def __init__(self, world: VenueWorld, matching: Matching) -> None:
        self._world = world
        self._matching = matching
        self._levels_ppm = np.sort(np.array(world.population.traders.maker_levels_ppm, np.int64))

    def place(
        self, maker: int, markets: Ints, fair: Ints, can_bid: Mask, can_ask: Mask, first_id: int
    ) -> tuple[int, list[int], int]:
        """A ladder around ``fair`` in each market, each level post-only, in place of the maker's old ones.

        Returns how many levels were refused, the markets in which some were or lay outside the band, and the first id
        that is not used up.
        """
        count, short, matching = 0, [], self._matching
        is_banded, in_auction = matching.is_banded, self._world.mode == "auction"
        for market, slot, bids, asks, size in self._rows(maker, markets, fair, can_bid, can_ask):
            wanted = len(bids) + len(asks)
            if is_banded:
                bids, asks = ([p for p in prices if matching.within_band(market, p)] for prices in (bids, asks))
            used = len(bids) + len(asks)
            refused = matching.books[market].quote_ladder(maker, slot, bids, asks, size, first_id)
            first_id += used
            if in_auction:
                matching.has_collected = True
                _collect(matching.auctions[market], maker, refused)
                refused = []
            if refused or used < wanted:
                count += len(refused)
                short.append(market)
        return count, short, first_id

    def _rows(self, maker: int, markets: Ints, fair: Ints, can_bid: Mask, can_ask: Mask) -> Iterator[Row]:
        away = fair[:, None] * self._levels() // PPM
        bids, asks = (fair[:, None] - away).tolist(), (fair[:, None] + away).tolist()
        sizes = np.maximum(1, self._world.population.traders.maker_level_usd // fair).tolist()
        first_slot = self._world.layout.dense_slot(maker, 0)
        rows = zip(markets.tolist(), bids, asks, sizes, can_bid.tolist(), can_ask.tolist(), strict=True)
        for market, its_bids, its_asks, size, bids_too, asks_too in rows:
            yield market, first_slot + market, its_bids if bids_too else [], its_asks if asks_too else [], size

    def _levels(self) -> Ints:
        """How far the levels of a ladder lie away, in ppm, the nearest first.

        A maker who knows of a post-only band keeps well inside: half of it is left for what prices do meanwhile.
        """
        band_ppm = self._world.venue.safeguards.post_only_band_ppm
        if band_ppm is None or not self._matching.is_banded:
            return self._levels_ppm
        return np.minimum(self._levels_ppm, band_ppm // 2)

    def withdraw(self, maker: int, markets: Sequence[int]) -> None:
        """A maker's quotes in these markets are taken back; nothing is said."""
        books = self._matching.books
        for market in markets:
            books[market].withdraw(maker)
        if self._matching.has_collected:
            for market in markets:
                self._matching.auctions[market].cancel_all(lambda order: not is_quote_of(order, maker))

    def pull(self, maker: int) -> int:
        """A maker's session ends: all his quotes leave the books. Returns how many levels."""
        levels = 0
        for book, auction in zip(self._matching.books, self._matching.auctions, strict=True):
            for waiting in (book.cancel_all, auction.cancel_all):
                levels += len(waiting(lambda order: not is_quote_of(order, maker)))
        return levels


def is_quote_of(order: Order, maker: int) -> bool:
    """Whether it is one level of a maker's mass quote."""
    return order.is_quote and order.owner == maker


def _collect(auction: CallAuction, maker: int, crossing: list[Order]) -> None:
    """In an auction levels may cross: those that cannot rest are collected, in place of the maker's old ones."""
    auction.cancel_all(lambda order: not is_quote_of(order, maker))
    for order in crossing:
        auction.collect(order)
