"""Opportunists and squeezers: they post far from the mark, and only while a book is thin.

An opportunist asks high and bids low and hopes to be hit. A squeezer quotes both sides of a displaced price: valid
post-only orders that nobody may take, which move a mark that listens to the own book. Their orders are drawn beforehand
(``traders.py``); here their time comes. While all books are well filled nobody looks.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from drydock.harness.seam import Passage
from drydock.models.matching import ENTRY_MODES
from drydock.models.perp.units import PPM
from drydock.models.traders import FarOrders, draw_harvests, draw_squeezes

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

SEND_MS = 2


class Opportunists:
    """Those who wait for thin books. ``name`` is ``harvest`` or ``squeeze``."""

    def __init__(self, world: VenueWorld, name: str) -> None:
        self._world = world
        self._sim = world.sim
        self._lane = world.sim.lane_of(f"people/{name}")
        self._matching_lane = world.sim.lane_of("matching")
        self._draw = draw_harvests if name == "harvest" else draw_squeezes
        self._drawn: FarOrders | None = None
        self._at_ms: list[int] = []
        self._watching = False
        self._turn = 0

    def watch(self) -> None:
        """A book is thin: from now on every order looks, when its time comes, whether its market is."""
        if self._watching:
            return
        if self._drawn is None:
            world = self._world
            self._drawn = self._draw(world.population, world.markets, world.night_ms, self._sim.seed)
            self._at_ms = self._drawn.at_ms.tolist()
        self._watching = True
        self._turn += 1
        self._next(bisect_left(self._at_ms, self._sim.now_ms + 1))

    def rest(self) -> None:
        """No book is thin, or the venue is closed: nobody looks any more."""
        self._watching = False

    def _next(self, n: int) -> None:
        if n < len(self._at_ms):
            self._sim.cause = None
            self._sim.call_at(self._at_ms[n], self._arrive, (n, self._turn), self._lane, "order")
        else:
            self._watching = False

    def _arrive(self, arg: tuple[int, int]) -> None:
        n, turn = arg
        if not self._watching or turn != self._turn:
            return
        seam = self._world.gateway.seam
        if not seam.bends:
            self._sim.call_in(SEND_MS, self._post, n, self._matching_lane, "order")
        else:
            assert self._drawn is not None
            for late_ms, _ in seam.through(Passage(1, f"order/{int(self._drawn.account[n])}")).groups():
                self._sim.call_in(SEND_MS + late_ms, self._post, n, self._matching_lane, "order")
        self._next(n + 1)

    def _post(self, n: int) -> None:
        world, drawn = self._world, self._drawn
        assert drawn is not None
        market = int(drawn.market[n])
        book = world.matching.books[market]
        is_thin = book.is_thin(world.population.traders.thin_spread_ppm)
        if not (is_thin and world.mode in ENTRY_MODES and world.gateway.is_ready):
            return
        slot = world.layout.dense_slot(int(drawn.account[n]), market)
        for side, wanted, offsets in (
            (-1, drawn.is_ask, drawn.ask_offset_ppm),
            (1, drawn.is_bid, drawn.bid_offset_ppm),
        ):
            if wanted[n]:
                price = self._price(n, market, side, int(offsets[n]))
                world.matching.post(market, slot, side, price, max(1, int(drawn.usd[n]) // price))

    def _price(self, n: int, market: int, side: int, offset_ppm: int) -> int:
        """anchor * (1 + offset * band), and for a squeeze half its width to the order's own side of that."""
        world, drawn = self._world, self._drawn
        assert drawn is not None
        anchor = world.cloud.mark_one(market) if drawn.at_mark[n] else world.outside.mark_one(self._sim.now_ms, market)
        middle = anchor + anchor * (offset_ppm * int(world.markets.band_ppm[market]) // PPM) // PPM
        return max(1, middle - side * (anchor * drawn.width_ppm // PPM))
