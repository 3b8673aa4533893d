"""The cloud: the copy of the state that the venue matches and assesses risk on, ahead of the chain.

Intents of people fill at mark, in mode OK only, against a maker. The cloud's copy changes at once; the chain learns of
it a little later, validates again, and may bust it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage
from drydock.models.accounts import Holdings, Valuation, Was
from drydock.models.chain import Chain, FillTx, IndexTx, PriceTx, Transaction
from drydock.models.events import Fill
from drydock.models.liquidation import Liquidated, give_back
from drydock.models.order_events import REJECTED_MARGIN, REJECTED_STALE, IntentRejected
from drydock.models.reserves import Reserves
from drydock.models.seams import new_seam

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]

FOR_EVER_MS = 1 << 40


class Cloud:
    """Holdings, indices, marks and their age, as the cloud believes them."""

    def __init__(self, world: VenueWorld, holdings: Holdings, index: Ints, mark: Ints) -> None:
        self._world = world
        self._sim = world.sim
        self._seam = new_seam(world.seams, "cloud.submit")
        self._guard = world.guards.safeguard
        self._to_chain = world.sim.lane_of("cloud/to_chain")
        self.holdings = holdings
        self.index = index.copy()
        self.index_ms = np.zeros_like(index)
        self.mark = mark.copy()
        self.price_ms = np.zeros_like(mark)
        self.height = 0
        self._mark_list: list[int] = mark.tolist()
        self._index_list = index.tolist()
        self._price_ms_list: list[int] = self.price_ms.tolist()
        self._imf_list: list[int] = world.markets.imf_ppm.tolist()
        self._imr_list: list[int] = (world.markets.imf_ppm + world.venue.liquidation.taker_fee_ppm).tolist()
        self._market_of = holdings.layout.market_of
        self._account_of = holdings.layout.account_of
        self._free: dict[int, int] = {}
        self._unasked: dict[int, tuple[Was, list[int]]] = {}
        self._makers = range(1, world.population.makers + 1)
        self._payouts: dict[int, int] = {}
        self._free_at: tuple[list[int], list[int]] | None = None
        self._submit_ms = world.venue.chain.submit_ms
        self._resend_ms = world.venue.messages.submit_resend_ms
        self._sent = 0
        self._fills_under_way: set[int] = set()
        freshness = world.venue.safeguards.price_freshness
        self._price_ms_max = FOR_EVER_MS if freshness is None else freshness.fill_ms
        self.reserves = Reserves(holdings, world.markets.mmf_ppm + world.venue.liquidation.taker_fee_ppm)
        self._fills_since: list[tuple[int, int, int, int]] = []

    # ---- what it hears -------------------------------------------------------------------------------------------
    def on_index(self, markets: Ints, index: Ints) -> None:
        """The funding engine's indices arrive."""
        self.index[markets] = index
        self.index_ms[markets] = self._sim.now_ms
        self._index_list = self.index.tolist()

    def on_prices(self, mark: Ints, price_ms: Ints) -> None:
        """Market data's marks arrive; ``price_ms`` is when their inputs were made."""
        self.mark = mark
        self.price_ms = price_ms
        self._mark_list = mark.tolist()
        self._price_ms_list = price_ms.tolist()
        self.refresh_free()

    def on_credit(self, transfer: tuple[int, int]) -> None:
        """The chain says so: :meth:`on_transfer`."""
        self.on_transfer(*transfer)

    def on_transfer(self, account: int, amount: int) -> None:
        """L1 money was credited or paid out on the chain."""
        self.free_collateral(account)
        self.holdings.quote[account] += amount
        self.reserves.forget()
        if amount < 0:
            self._payouts[account] = max(0, self._payouts.get(account, 0) + amount)

    def promise(self, account: int, amount: int) -> None:
        """A payout of ``amount`` (positive) is on its way: until the chain has debited it nothing else may use it."""
        self._free[account] = self.free_collateral(account) - amount
        self._payouts[account] = self._payouts.get(account, 0) + amount

    def on_bust(self, fill: FillTx) -> None:
        """The chain refused a fill: both parties are put back."""
        self.free_collateral(self._account_of[fill.taker_slot])
        self.free_collateral(self._account_of[fill.maker_slot])
        self._trade(fill.taker_slot, fill.maker_slot, -fill.size, fill.price)

    def on_refused(self, done: Liquidated) -> None:
        """The chain refused to liquidate these accounts: what was taken from them is given back."""
        for account in done.accounts.tolist():
            self.free_collateral(account)
        give_back(self.holdings, done, self.index)
        self.reserves.forget()

    def resync_account(self, account: int, chain: Chain) -> tuple[int, int]:
        """RESYNC: takes one account from the chain. Returns what differed: 1e-6 USD, and how many positions."""
        mine, theirs, slots = self.holdings, chain.holdings, slice(*self.holdings.layout.bounds_of(account))
        gap = int(mine.quote[account]) - int(theirs.quote[account])
        apart = int((mine.size[slots] != theirs.size[slots]).sum())
        self._free.pop(account, None)
        self._unasked.pop(account, None)
        mine.quote[account] = theirs.quote[account]
        mine.size[slots] = theirs.size[slots]
        mine.cached[slots] = theirs.cached[slots]
        self.reserves.forget()
        return gap, apart

    def resync(self, chain: Chain) -> None:
        """Takes everything from the chain: what a restarted risk engine does, and every rollback."""
        for account in list(self._unasked):
            self.free_collateral(account)
        self.holdings.take_from(chain.holdings)
        self.index = chain.index.copy()
        self.index_ms = chain.index_ms.copy()
        self._index_list = self.index.tolist()
        self.height = chain.height
        self._payouts = chain.l1.payouts_from(chain.l1_cursor)
        self.refresh_free()

    # ---- risk ------------------------------------------------------------------------------------------------------
    def value(self) -> Valuation:
        """Every account at the cloud's own marks and indices."""
        world = self._world
        return self.holdings.value(self.mark, self.index, world.markets.mmf_ppm, world.venue.liquidation.taker_fee_ppm)

    def nobody_is_under(self) -> bool:
        """Whether it is certain, without valuing everybody, that no person is under maintenance margin."""
        fills, self._fills_since = self._fills_since, []
        return self.reserves.cover_all(fills, self.mark, self._mark_list, self.index)

    def refresh_free(self) -> None:
        """From now on free collateral is that of these marks, indices and holdings, until the next marks.

        It is worked out account by account when first asked for: few of thousands trade between two marks. Whatever
        changes an account's holdings asks first, so the answer is the one that all accounts at once would have given.
        Makers trade most, in all markets, and are hardly ever asked: of them is kept what they had (``_commit``).
        """
        if self._world.takes_orders:
            self._free = {}
            self._unasked = {}
            self._free_at = (self._mark_list, self._index_list)

    def free_collateral(self, account: int) -> int:
        """Account value less initial margin at the last mark, payouts on their way and what was committed since."""
        free = self._free.get(account)
        if free is None:
            if self._free_at is None:
                return 0
            unasked = self._unasked.pop(account, None)
            terms, committed = (account, *self._free_at, self._imr_list), 0
            if unasked is None:
                equity, margin = self.holdings.value_one(*terms)
            else:
                was, (committed,) = unasked
                equity, margin = self.holdings.value_one_as_it_was(*terms, was)
            free = self._free[account] = equity - margin - self._payouts.get(account, 0) - committed
        return free

    def _commit(self, account: int, slot: int, amount: int) -> None:
        """A fill in this slot is about to take so much of an account's free collateral."""
        if account in self._makers and account not in self._free and self._free_at is not None:
            unasked = self._unasked.get(account)
            if unasked is None:
                unasked = self._unasked[account] = self.holdings.was_one(account), [0]
            self.holdings.note_slot(unasked[0], slot)
            unasked[1][0] += amount
        else:
            self._free[account] = self.free_collateral(account) - amount

    # ---- one by one ------------------------------------------------------------------------------------------------
    def account_of(self, slot: int) -> int:
        """Whose slot it is."""
        return self._account_of[slot]

    def mark_one(self, market: int) -> int:
        """The mark of one market (price quantums)."""
        return self._mark_list[market]

    def is_stale(self, market: int) -> bool:
        """Whether the market's price is too old for a fill, where the venue asks."""
        is_old = self._sim.now_ms - self._price_ms_list[market] > self._price_ms_max
        return is_old or (bool(self._guard.bends) and self._misfires())

    def _misfires(self) -> bool:
        """Whether price freshness, where it is on, takes a fresh price for an old one."""
        return self._price_ms_max < FOR_EVER_MS and self._world.guards.misfires("price_freshness")

    # ---- fills -----------------------------------------------------------------------------------------------------
    def fill(self, market: int, taker_slot: int, maker_slot: int, size: int) -> None:
        """An intent meets the maker's quote at mark: signed ``size`` for the taker; margin and freshness checked."""
        taker = self._account_of[taker_slot]
        age_ms = self._sim.now_ms - self._price_ms_list[market]
        if age_ms > self._price_ms_max or (self._guard.bends and self._misfires()):
            self._sim.emit(IntentRejected(market, taker, REJECTED_STALE, size))
            return
        price = self._mark_list[market]
        held = self.holdings.size_one(taker_slot)
        grows = abs(held + size) - abs(held)
        free = self.free_collateral(taker)
        if grows > 0:
            needed = grows * price * self._imf_list[market] // 1_000_000
            if free < needed:
                self._sim.emit(IntentRejected(market, taker, REJECTED_MARGIN, size))
                return
            self._free[taker] = free - needed
        self._trade(taker_slot, maker_slot, size, price)
        self._sim.emit(Fill(market, taker, self._account_of[maker_slot], size, price, age_ms))
        self.send(FillTx(taker_slot, maker_slot, size, price))

    def trade(self, market: int, taker_slot: int, maker_slot: int, size: int, price: int, origin: int) -> None:
        """Two orders met at ``price``: books signed ``size`` for the taker and the opposite for the maker.

        Free collateral falls by what the positions grow, at mark, and by what the price is worse than mark.
        """
        mark = self._mark_list[market]
        for slot, part in ((taker_slot, size), (maker_slot, -size)):
            account, held = self._account_of[slot], self.holdings.size_one(slot)
            grows = max(0, abs(held + part) - abs(held))
            needed = grows * mark * self._imf_list[market] // 1_000_000
            self._commit(account, slot, needed + max(0, part * (price - mark)))
        self._trade(taker_slot, maker_slot, size, price)
        parties = self._account_of[taker_slot], self._account_of[maker_slot]
        age_ms = self._sim.now_ms - self._price_ms_list[market]
        self._sim.emit(Fill(market, *parties, size, price, age_ms, origin))
        self.send(FillTx(taker_slot, maker_slot, size, price))

    def _trade(self, taker_slot: int, maker_slot: int, size: int, price: int) -> None:
        index = self._index_list[self._market_of[taker_slot]]
        self.holdings.fill_one(taker_slot, maker_slot, size, price, index)
        self._fills_since.append((taker_slot, maker_slot, size, price))

    # ---- to the chain ------------------------------------------------------------------------------------------------
    def send(self, transaction: Transaction) -> None:
        """Puts a transaction on its way to the sequencer."""
        if self._seam.bends:
            self._send_bent(transaction)
            return
        self._sim.call_in(self._submit_ms, self._world.chain.submit, transaction, self._to_chain, "submit")

    @property
    def has_fills_under_way(self) -> bool:
        """Whether a fill is longer than usual on its way to the sequencer, or waits to be sent again."""
        return bool(self._fills_under_way)

    def arrived(self, number: int) -> None:
        """The sequencer has this message: who asks about it is told so."""
        self._fills_under_way.discard(number)

    def _send_bent(self, transaction: Transaction) -> None:
        self._sent += 1
        if isinstance(transaction, FillTx):
            self._fills_under_way.add(self._sent)
        self._send_numbered((self._sent, transaction))

    def _send_numbered(self, message: tuple[int, Transaction]) -> None:
        """Sends, and again for as long as nobody has confirmed, where the venue has it so."""
        number, transaction = message
        passage = _passage_of(transaction)
        if self._seam.bends:
            self._seam.through(passage)
        for late_ms, mask in passage.groups():
            arg = (number, transaction, mask)
            self._sim.call_in(
                self._submit_ms + late_ms, self._world.chain.submit_numbered, arg, self._to_chain, "submit"
            )
        if self._resend_ms is not None and (passage.is_unanswered or passage.is_lost.any()):
            self._sim.call_in(self._resend_ms, self._send_numbered, message, self._to_chain, "resend")
        elif passage.is_lost.all():
            self._fills_under_way.discard(number)  # gone, and nobody knows


def _passage_of(transaction: Transaction) -> Passage:
    if isinstance(transaction, IndexTx):
        return Passage(len(transaction.markets), "index")
    return Passage(1, "prices" if isinstance(transaction, PriceTx) else "transaction")
