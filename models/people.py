"""People: their intents and their L1 transfers, drawn before the night from each person's own words.

While the venue is closed nobody sends: the status page says so. What they would have sent is counted when it reopens.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from drydock.harness.seam import Passage
from drydock.harness.sim import Lane
from drydock.models.events import IntentsBlocked, L1Transferred
from drydock.models.inbox import ALL, Inbox
from drydock.models.matching import OF_PERSON
from drydock.models.order_events import REJECTED_CLOSED, IntentRejected
from drydock.models.perp.units import PPM
from drydock.models.population import Intents, Transfers
from drydock.models.seams import new_seam
from drydock.models.service import Service

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

GATEWAY_MS = 2
CANCEL_RETRY_MS = 60_000


class Gateway(Service):
    """The front door: takes intents while it is up and the mode allows fills."""

    name = "gateway"

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self.seam = new_seam(world.seams, "gateway.send")

    def lets_in(self, what: str) -> bool:
        """Whether a request that is not an order gets through at all: ``cancel/17``, ``withdrawal/17``."""
        return not self.seam.bends or not self.seam.through(Passage(1, what)).is_lost[0]


class People:
    """Sends what was drawn, each client on a lane of his own."""

    def __init__(self, world: VenueWorld, intents: Intents, transfers: Transfers) -> None:
        self._world = world
        self._sim = world.sim
        self._matching = world.sim.lane_of("matching")
        self._pump_lane = world.sim.lane_of("people")
        self._at_ms = intents.at_ms.tolist()
        self._client = intents.account.tolist()
        self._market = intents.market.tolist()
        self._taker_slot = intents.taker_slot.tolist()
        self._maker_slot = intents.maker_slot.tolist()
        self._size = intents.size.tolist()
        self._limit_ppm = intents.limit_ppm.tolist()
        self._stays_ms = intents.stays_ms.tolist()
        self._transfers = transfers
        self._next = 0
        self._turn = 0
        self._closed_ms = -1
        self._missed = 0
        self._lanes: dict[int, Lane] = {}
        self._inbox = Inbox(drops_duplicates=world.venue.messages.drops_duplicates)
        self._turned_away: dict[int, list[int]] = {}

    def start(self) -> None:
        """Schedules the L1 transfers; intents follow the mode."""
        for n, at_ms in enumerate(self._transfers.at_ms.tolist()):
            self._sim.call_at(at_ms, self._transfer, n, self._pump_lane, "transfer")

    # ---- intents ---------------------------------------------------------------------------------------------
    def open(self) -> None:
        """The venue trades: from now on intents are sent. Those of the closed time are counted as blocked."""
        self._turn += 1
        first = max(self._next, bisect_left(self._at_ms, self._sim.now_ms))
        blocked = first - self._next + self._missed
        if blocked:
            columns = (self._client, self._market, self._size, self._at_ms)
            missed = (np.array(column[first - blocked : first], np.int64) for column in columns)
            self._sim.emit(IntentsBlocked(blocked, *missed), self._pump_lane)
        self._next, self._missed = first, 0
        self._send_next_instant()

    def close(self) -> None:
        """The venue does not trade: nothing further is sent. The instant that waits on its lanes is taken back."""
        self._turn += 1
        self._closed_ms = self._sim.now_ms
        if self._next and self._at_ms[self._next - 1] > self._closed_ms:
            self._next = bisect_left(self._at_ms, self._at_ms[self._next - 1])

    def _send_next_instant(self) -> None:
        """Puts all intents of the next instant on their clients' lanes; the last of them draws the following ones."""
        first, times_ms = self._next, self._at_ms
        if first >= len(times_ms):
            return
        last = first + 1
        while last < len(times_ms) and times_ms[last] == times_ms[first]:
            last += 1
        self._next = last
        wait_ms = times_ms[first] - self._sim.now_ms
        for n in range(first, last):
            lane = self._lanes.get(self._client[n]) or self._lane_of(self._client[n])
            self._sim.call_in(wait_ms, self._send, (n, self._turn, n == last - 1), lane, "intent")

    def _lane_of(self, client: int) -> Lane:
        """Made when a client first sends: most of thousands send nothing before the night is over."""
        lane = self._lanes[client] = self._sim.lane_of(f"client/{client}")
        return lane

    def _send(self, arg: tuple[int, int, bool]) -> None:
        n, turn, is_last = arg
        if turn != self._turn:
            self._missed += self._at_ms[n] == self._closed_ms  # later ones were taken back
            return
        self._sim.cause = None
        if not (self._world.gateway.seam.bends or self._turned_away):
            self._sim.call_in(GATEWAY_MS, self._match, n, self._matching, "intent")
        else:
            self._send_bent(n)
        if is_last:
            self._send_next_instant()

    def _send_bent(self, n: int) -> None:
        """Sends, and again for as long as nobody has answered, where clients do so; his own number goes with it."""
        world, passage = self._world, Passage(1, f"intent/{self._client[n]}")
        if world.gateway.seam.bends:
            world.gateway.seam.through(passage)
        for late_ms, _ in passage.groups():
            self._sim.call_in(GATEWAY_MS + late_ms, self._match_numbered, n, self._matching, "intent")
        resend_ms = world.venue.messages.intent_resend_ms
        if resend_ms is not None and (passage.is_unanswered or passage.is_lost.any()):
            self._sim.call_in(resend_ms, self._send_bent, n, self._lane_of(self._client[n]), "resend")
        else:
            self._note_turned_away(n, is_lost=bool(passage.is_lost[0]))

    def _note_turned_away(self, n: int, *, is_lost: bool) -> None:
        """A wish that the front door did not take is told of when its owner is let in again: it was blocked so long.

        Whoever is never let in again leaves no price to compare with, as people of a venue that never reopens.
        """
        client = self._client[n]
        if is_lost:
            self._turned_away.setdefault(client, []).append(n)
        elif client in self._turned_away:
            blocked = self._turned_away.pop(client)
            columns = (self._client, self._market, self._size, self._at_ms)
            missed = (np.array([column[n] for n in blocked], np.int64) for column in columns)
            self._sim.emit(IntentsBlocked(len(blocked), *missed), self._pump_lane)

    def _match_numbered(self, n: int) -> None:
        if self._inbox.take(n, ALL).any():
            self._match(n)

    def _match(self, n: int) -> None:
        world = self._world
        if not (world.gateway.is_ready and world.liquidator.is_ready and world.is_trading):
            self._sim.emit(IntentRejected(self._market[n], self._client[n], REJECTED_CLOSED, self._size[n]))
            return
        if world.venue.order_book is None:
            world.cloud.fill(self._market[n], self._taker_slot[n], self._maker_slot[n], self._size[n])
        else:
            self._order(n)

    def _order(self, n: int) -> None:
        """With a book an intent is a market order, or a limit order at its distance from the mark of the moment."""
        matching, market, slot, size = self._world.matching, self._market[n], self._taker_slot[n], self._size[n]
        distance_ppm = self._limit_ppm[n]
        if not distance_ppm:
            matching.market_order(market, slot, size, OF_PERSON)
            return
        side, mark = (1, self._world.cloud.mark_one(market)) if size > 0 else (-1, self._world.cloud.mark_one(market))
        price = max(1, mark - side * (mark * distance_ppm // PPM))
        number = matching.post(market, slot, side, price, abs(size), is_post_only=False)
        if number:
            client = self._client[n]
            lane = self._lane_of(client)
            self._sim.call_in(self._stays_ms[n], self._take_back, (market, number, client), lane, "cancel")

    def _take_back(self, arg: tuple[int, int, int]) -> None:
        """The owner wants his order back, and asks until the front door is open; the books answer for the rest."""
        market, number, client = arg
        world = self._world
        if not (world.gateway.is_ready and world.gateway.lets_in(f"cancel/{client}")):
            self._sim.call_in(CANCEL_RETRY_MS, self._take_back, arg, self._lanes[client], "cancel")
            return
        self._sim.cause = None
        world.matching.cancel(market, number)

    # ---- L1 --------------------------------------------------------------------------------------------------
    def _transfer(self, n: int) -> None:
        """A deposit lands on L1 whatever the venue does; a withdrawal needs the venue, and free collateral."""
        world, transfers = self._world, self._transfers
        account, amount = int(transfers.account[n]), int(transfers.amount[n])
        if amount < 0:
            amount = self._payable(account, -amount)
            if amount == 0 or not world.gateway.lets_in(f"withdrawal/{account}"):
                return
            world.cloud.promise(account, -amount)
        confirm_ms = world.venue.chain.l1_confirm_ms if amount > 0 else 0
        world.chain.l1.add(self._sim.now_ms + confirm_ms, account, amount)
        self._sim.emit(L1Transferred(account, amount), self._pump_lane)

    def _payable(self, account: int, wanted: int) -> int:
        """Minus the amount a withdrawal may take: ``min(wanted, half the free collateral)``, 0 where it may not."""
        world = self._world
        is_open = world.is_trading or (world.gateway.is_ready and world.guards.ignores("withdraw"))
        if not (is_open and world.may("withdraw")) or world.is_withdrawal_held:
            return 0
        free = world.cloud.free_collateral(account)
        return -min(wanted, max(0, free // 2))
