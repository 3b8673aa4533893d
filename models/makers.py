"""Makers: quote ladders around the outside price while the venue is open, and come back late after a bad closure.

A maker knows prices of other venues, not the venue's mark. He looks at them at an even pace and quotes anew where they
moved, or where a level of his was taken. What he takes on he hedges elsewhere, little by little. A closure within the
announced window, or not much over it, finds him waiting; after any other he returns minutes later. In OK he also takes
quotes that are far from the outside price: that is what POST_ONLY forbids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage
from drydock.models.matching import ENTRY_MODES, OF_ARBITRAGE
from drydock.models.perp.units import PPM
from drydock.models.phase import to_phase_ms
from drydock.models.traders import return_ms

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]
SEND_MS = 2
REQUOTE_MS = 20
"""From taking quotes back to quoting anew."""
RETRY_MS = 1_000


class Makers:
    """All makers; accounts 1 to ``population.makers``, each with a slot in every market."""

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._sim = world.sim
        self._return = world.seams["maker.return"]
        self._spec = world.population.traders
        self._count = count = world.population.makers
        self._markets = len(world.markets)
        self._lanes = [world.sim.lane_of(f"maker/{k}") for k in range(1, count + 1)]
        self._matching_lane = world.sim.lane_of("matching")
        self._quoted = np.zeros((count, self._markets), np.int64)
        self._is_taken = np.ones((count, self._markets), np.bool_)
        self._hedged = self._sizes().copy()
        self._session = [0] * count
        self.is_back = [False] * count
        self._closures = 0
        self._is_open = False

    # ---- comings and goings --------------------------------------------------------------------------------------
    def start(self) -> None:
        """The night begins with everybody quoting."""
        self._is_open = True
        for maker in range(self._count):
            self._come_back((maker, self._session[maker]))

    def on_mode(self, mode: str) -> None:
        """Makers follow the status page."""
        is_open = mode in ENTRY_MODES
        if is_open and not self._is_open:
            self._return_later()
        elif not is_open and self._is_open:
            self._leave()
        self._is_open = is_open

    def _return_later(self) -> None:
        world = self._world
        patience_ms = world.runbook.window_ms * self._spec.maker_patience_ppm // PPM
        is_planned = self._sim.now_ms <= world.runbook.before_ms + world.runbook.window_ms + patience_ms
        self._closures += 1
        for maker, lane in enumerate(self._lanes):
            wait_ms = return_ms(world.population, maker + 1, self._closures, is_planned, self._sim.seed)
            for late_ms in self._back_late_ms(maker + 1):
                self._sim.call_in(wait_ms + late_ms, self._come_back, (maker, self._session[maker]), lane, "return")

    def _back_late_ms(self, maker: int) -> list[int]:
        """How much later than he would a maker comes back; nothing where he stays away."""
        if not self._return:
            return [0]
        return [late_ms for late_ms, _ in self._return.through(Passage(1, f"maker-{maker}")).groups()]

    def _come_back(self, arg: tuple[int, int]) -> None:
        maker, session = arg
        if session == self._session[maker]:
            self.is_back[maker] = True
            self._is_taken[maker] = True
            self._quote_now(maker, session)
            self._look_later(arg)

    def _leave(self) -> None:
        for maker in range(self._count):
            self._session[maker] += 1
            if self.is_back[maker]:
                self.is_back[maker] = False
                self._world.matching.pull_quotes(maker + 1)

    # ---- quoting -------------------------------------------------------------------------------------------------
    def was_taken(self, account: int, market: int) -> None:
        """A level of this maker was met: he will quote this market anew."""
        self._is_taken[account - 1, market] = True

    def _look_later(self, arg: tuple[int, int]) -> None:
        """At the next instant of his phase; more often while a narrow band wants narrow quotes."""
        spec = self._spec
        period_ms = spec.maker_post_only_ms if self._world.mode == "post_only" else spec.maker_quote_ms
        wait_ms = 1 + to_phase_ms(self._sim.now_ms + 1, period_ms, spec.maker_phase_ms)
        self._sim.call_in(wait_ms, self._look, arg, self._lanes[arg[0]], "look")

    def _look(self, arg: tuple[int, int]) -> None:
        maker, session = arg
        if session != self._session[maker]:
            return
        lane = self._lanes[maker]
        self._look_later(arg)
        fair = self._quote_now(maker, session)
        if self._world.is_trading and (far := self._far_off(fair)):
            self._sim.call_in(self._spec.arbitrage_ms, self._reach_out, (maker, session, far), lane, "arbitrage")

    def _quote_now(self, maker: int, session: int) -> Ints:
        """Quotes what needs it; returns the outside prices that he sees."""
        self._sim.cause = None
        fair = self._world.outside.mark(self._sim.now_ms)
        open_sizes = self._sizes()[maker] - self._hedged[maker]
        self._hedged[maker] += open_sizes * self._spec.maker_hedge_ppm // PPM
        moved = np.abs(fair - self._quoted[maker]) * PPM > fair * self._spec.maker_requote_ppm
        due = np.flatnonzero(moved | self._is_taken[maker])
        if due.size:
            self._quoted[maker, due] = fair[due]
            self._is_taken[maker, due] = False
            self._send(maker, self._withdraw, (maker, session, due), SEND_MS)
            self._send(maker, self._quote, (maker, session, due, fair[due]), SEND_MS + REQUOTE_MS)
        return fair

    def _send(self, maker: int, handler, arg: tuple[object, ...], send_ms: int) -> None:  # type: ignore[no-untyped-def]
        """Through the front door, as everybody's orders."""
        seam = self._world.gateway.seam
        if not seam.bends:
            self._sim.call_in(send_ms, handler, arg, self._matching_lane, "quote")
            return
        for late_ms, _ in seam.through(Passage(1, f"quote/{maker + 1}")).groups():
            self._sim.call_in(send_ms + late_ms, handler, arg, self._matching_lane, "quote")

    def _withdraw(self, arg: tuple[int, int, Ints]) -> None:
        """Old quotes go before new ones come: else each maker's new asks would meet the others' old bids."""
        maker, session, markets = arg
        if session == self._session[maker] and self._world.gateway.is_ready:
            self._world.matching.withdraw(markets.tolist(), maker + 1)

    def _quote(self, arg: tuple[int, int, Ints, Ints]) -> None:
        maker, session, markets, fair = arg
        if session != self._session[maker] or not self._world.gateway.is_ready:
            self._is_taken[maker, markets] = True
            return
        held = (self._sizes()[maker, markets] - self._hedged[maker, markets]) * fair
        most = self._spec.maker_inventory_usd
        refused = self._world.matching.quote(maker + 1, markets, fair, held < most, held > -most)
        self._is_taken[maker, markets[np.abs(held) >= most]] = True  # the other side again, once he has hedged
        self._is_taken[maker, refused] = True
        if refused and self._world.is_trading:  # what stood in the way is taken off meanwhile
            self._sim.call_in(RETRY_MS, self._retry, (maker, session), self._lanes[maker], "retry")

    def _retry(self, arg: tuple[int, int]) -> None:
        if arg[1] == self._session[arg[0]]:
            self._quote_now(*arg)

    def _sizes(self) -> Ints:
        """``[maker, market]``: a view of the cloud's holdings."""
        first = self._markets
        return self._world.cloud.holdings.size[first : first + self._count * self._markets].reshape(self._count, -1)

    # ---- arbitrage -----------------------------------------------------------------------------------------------
    def _far_off(self, fair: Ints) -> list[int]:
        """Markets in which, at the last mark, somebody bid above or asked below the outside price by more than
        arbitrage costs."""
        seen = self._world.matching.seen
        if seen is None:
            return []
        edge = fair * self._spec.arbitrage_ppm // PPM
        far: list[int] = np.flatnonzero((seen.bid > fair + edge) | ((seen.ask < fair - edge) & (seen.ask > 0))).tolist()
        return far

    def _reach_out(self, arg: tuple[int, int, list[int]]) -> None:
        if arg[1] == self._session[arg[0]]:
            self._send(arg[0], self._take_off, arg, SEND_MS)

    def _take_off(self, arg: tuple[int, int, list[int]]) -> None:
        """Takes what is still there of such quotes, at the outside prices of now."""
        maker, session, markets = arg
        world = self._world
        if session != self._session[maker] or not (world.is_trading and world.gateway.is_ready):
            return
        fair = world.outside.mark(self._sim.now_ms)
        for market in markets:
            price, book = int(fair[market]), world.matching.books[market]
            edge = price * self._spec.arbitrage_ppm // PPM
            slot, most = world.layout.dense_slot(maker + 1, market), self._spec.maker_inventory_usd // price
            for side in (1, -1):
                limit = price + side * edge
                size = min(most, book.depth(side, limit))
                if size:
                    world.matching.market_order(market, slot, -side * size, OF_ARBITRAGE, limit_price=limit)
