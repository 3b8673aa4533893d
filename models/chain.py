"""The chain: a sequencer that orders transactions into blocks, validates again, busts, and can be taken back.

The chain is the source of truth. It has its own copy of every account, of the funding indices and of the mark prices,
and applies to them what the cloud sends, in the order in which it arrived. A block is sealed at each block interval
while the venue trades, otherwise only when something is pending. What lies on L1 is not the chain's: deposits and
payouts stay where they are when the chain goes back to a snapshot, and are then owed to it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage
from drydock.models.accounts import VAULT, Holdings, Layout, RootKeys, Valuation, frozen
from drydock.models.block_order import BlockOrder
from drydock.models.events import (
    BlockSealed,
    BlockView,
    Bust,
    IndexOnchain,
    L1Credited,
    L1Reconciled,
    LiquidationRefused,
    SnapshotTaken,
)
from drydock.models.inbox import Inbox
from drydock.models.l1_ledger import L1Ledger
from drydock.models.liquidation import Liquidated, liquidate
from drydock.models.news import News
from drydock.models.perp.socialised import factor_of_all_ppm
from drydock.models.reserves import Reserves
from drydock.models.seams import new_seam

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class FillTx(NamedTuple):
    """One fill: two slots, the taker's signed size, the price."""

    taker_slot: int
    maker_slot: int
    size: int
    price: int


@dataclass(frozen=True, slots=True)
class IndexTx:
    """Funding indices of some markets."""

    markets: Ints
    index: Ints


class PriceTx(NamedTuple):
    """Mark prices of all markets."""

    mark: Ints


@dataclass(frozen=True, slots=True)
class LiquidationTx:
    """The accounts that the cloud found under margin, the share of their positions that goes, and what it took."""

    accounts: Ints
    share_ppm: Ints
    done: Liquidated | None = None


Transaction = FillTx | IndexTx | PriceTx | LiquidationTx


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The chain at a height, in its canonical bytes."""

    height: int
    l1_cursor: int
    raw: bytes
    root: tuple[int, int]


class Chain:
    """State, pending transactions and the sealing of blocks."""

    def __init__(self, world: VenueWorld, holdings: Holdings, index: Ints, mark: Ints) -> None:
        self._world = world
        self._sim = world.sim
        self._lane = world.sim.lane_of("chain/sequencer")
        self.layout: Layout = holdings.layout
        self.holdings = holdings
        self._note_index(index.copy())
        self._note_mark(mark.copy())
        self.index_ms = np.zeros_like(index)
        self.height = 0
        self.sequence = 0
        self.l1 = L1Ledger()
        self.l1_cursor = 0
        self.socialised_ppm = 0
        self._credited = 0
        self._pending: list[Transaction] = []
        self._sealing: list[Transaction] = []
        self._index_after: list[int] = []
        mmr_ppm = world.markets.mmf_ppm + world.venue.liquidation.taker_fee_ppm
        self._mmr_list: list[int] = mmr_ppm.tolist()
        self._is_armed = False
        self._seal_seam = new_seam(world.seams, "chain.seal")
        self._order = BlockOrder(world)
        self._equity: Ints | None = None
        """Every account's equity as the last block left it; None where it must be worked out anew."""
        self._judged: Ints | None = None
        self._reserves = Reserves(holdings, mmr_ppm)
        self._genesis = int(holdings.quote.sum()) - int(holdings.realised.sum())
        self._keys = RootKeys(len(holdings.flat) + len(index) + len(mark))
        self._inbox = Inbox(drops_duplicates=world.venue.messages.drops_duplicates)
        self._news = News(world)
        self.on_bust: Callable[[FillTx], None] = lambda _: None
        self.on_refused: Callable[[Liquidated], None] = lambda _: None
        self.on_sealed: Callable[[BlockSealed], None] = lambda _: None

    # ---- transactions ------------------------------------------------------------------------------------------
    def submit(self, transaction: Transaction) -> None:
        """A transaction has arrived at the sequencer."""
        self._pending.append(transaction)
        if not self._is_armed:
            self.arm()

    def submit_numbered(self, message: tuple[int, Transaction, Mask]) -> None:
        """Parts of a transaction that may have arrived before: taken as the inbox has it."""
        number, transaction, parts = message
        self._world.cloud.arrived(number)
        parts = self._inbox.take(number, parts)
        if not parts.any():
            return
        if isinstance(transaction, IndexTx):
            transaction = IndexTx(transaction.markets[parts], transaction.index[parts])
        self.submit(transaction)

    def arm(self) -> None:
        """Sets the timer to the next block boundary, if it is not set."""
        if not self._is_armed:
            self._is_armed = True
            block_ms = self._world.venue.chain.block_ms
            at_ms = (self._sim.now_ms // block_ms + 1) * block_ms
            if self._seal_seam.bends:
                at_ms += int(self._seal_seam.through(Passage(1, "seal")).delay_ms[0])
            self._sim.call_at(at_ms, self._seal, None, self._lane, "seal")

    def in_flight(self, account: int) -> int:
        """How many fills of an account are in the block being sealed, or wait for one."""
        account_of = self.layout.account_of
        fills = [tx for tx in (*self._sealing, *self._pending) if isinstance(tx, FillTx)]
        return sum(1 for tx in fills if account in (account_of[tx.taker_slot], account_of[tx.maker_slot]))

    @property
    def has_fills_waiting(self) -> bool:
        """Whether fills have arrived that no block has sealed yet."""
        return any(isinstance(transaction, FillTx) for transaction in self._pending)

    def drop_pending(self) -> None:
        """What was not sealed yet is gone: a rollback takes the queue with it."""
        self._pending.clear()

    # ---- sealing -----------------------------------------------------------------------------------------------
    def _seal(self, _: Any) -> None:
        self._is_armed = False
        world = self._world
        if not (self._pending or world.is_trading):
            return
        self.height += 1
        self.sequence += 1
        pending, self._pending = self._pending, []
        self._sealing = pending
        fills: list[FillTx] = []
        liquidated: list[Liquidated] = []
        self._index_after = []
        if self._order.is_declared:
            steps = {"credits": self._credit_l1, "busts": lambda: self._bust(fills)}
            self._order.play(pending, lambda part: self._apply(part, fills, liquidated), steps)
        else:
            self._credit_l1()
            self._apply(pending, fills, liquidated)
            self._bust(fills)
        self._sealing = []
        self.on_sealed(self._emit_sealed(len(pending), fills, liquidated))
        if self._pending or world.is_trading:
            self.arm()

    def _equity_now(self) -> Ints:
        """Every account's equity at the chain's own marks and indices, an array of its own for each that is different.

        A fill at the chain's own mark moves nobody's equity, to the last 1e-6 USD: what it realises of funding goes
        from one term of the equity into another. A fill off the mark moves that of its parties, and a mark that of
        those who hold its market, by plain products; only a new index, or money, asks for a new valuation.
        """
        if self._equity is None:
            self._equity = self.value().equity
        if self._equity is not self._judged:
            self._judged = self._equity
            self.socialised_ppm = self._socialise(self._equity)
        return self._equity

    def _forget_equity(self) -> None:
        """Something happened that is neither a fill nor a price."""
        self._equity = None
        self._reserves.forget()

    def value(self) -> Valuation:
        """Every account at the chain's own marks and indices."""
        markets = self._world.markets
        fee_ppm = self._world.venue.liquidation.taker_fee_ppm
        return self.holdings.value(self.mark, self.index, markets.mmf_ppm, fee_ppm)

    def _apply(self, pending: list[Transaction], fills: list[FillTx], liquidated: list[Liquidated]) -> None:
        """Transactions in their order; what was filled and liquidated is added to what the block has already."""
        group: list[FillTx] = []
        for transaction in pending:
            if isinstance(transaction, FillTx):
                group.append(transaction)
                continue
            self._apply_fills(group)
            fills += group
            group = []
            if isinstance(transaction, IndexTx):
                self._index_after.append(len(fills))
            if isinstance(transaction, LiquidationTx):
                liquidated.append(self._liquidate(transaction))
                self._forget_equity()
            else:
                self._apply_data(transaction)
        self._apply_fills(group)
        fills += group

    def _apply_data(self, transaction: IndexTx | PriceTx) -> None:
        if isinstance(transaction, PriceTx):
            move = transaction.mark - self.mark
            if self._equity is not None and move.any():
                self._equity = self._equity + self.holdings.worth_of_move(move)
            self._note_mark(transaction.mark)
        else:
            self._equity = None
            self.index[transaction.markets] = transaction.index
            self._note_index(self.index)
            self.index_ms[transaction.markets] = self._sim.now_ms
            self._sim.emit(IndexOnchain(self.height, transaction.markets, transaction.index), self._lane)

    def _note_mark(self, mark: Ints) -> None:
        self.mark, self._frozen_mark = mark, frozen(mark)
        self._mark_list: list[int] = mark.tolist()

    def _note_index(self, index: Ints) -> None:
        self.index, self._frozen_index = index, frozen(index)
        self._index_list: list[int] = index.tolist()

    def _apply_fills(self, group: list[FillTx]) -> None:
        if not group:
            return
        self.holdings.fill_all(group, self._index_list)
        if self._equity is not None:
            marks, market_of = self._mark_list, self.layout.market_of
            off_mark = [fill for fill in group if fill[3] != marks[market_of[fill[0]]]]
            if off_mark:
                self._equity = self._equity_after(off_mark, self._equity.copy())

    def _equity_after(self, fills: list[FillTx], equity: Ints) -> Ints:
        marks, layout = self._mark_list, self.layout
        for taker_slot, maker_slot, size, price in fills:
            gained = size * (marks[layout.market_of[taker_slot]] - price)
            equity[layout.account_of[taker_slot]] += gained
            equity[layout.account_of[maker_slot]] -= gained
        return equity

    def _liquidate(self, transaction: LiquidationTx) -> Liquidated:
        """Validated again at the chain's own prices: an account that is not under margin here is left alone."""
        under = np.isin(transaction.accounts, self.value().under_margin())
        if transaction.done is not None and not under.all():
            self._refuse(transaction.done.only(~under, self.layout.account))
        return liquidate(
            self.holdings, transaction.accounts[under], transaction.share_ppm[under], self.mark, self.index,
            self._world.markets, self._world.venue.liquidation,
        )  # fmt: skip

    def _refuse(self, done: Liquidated) -> None:
        """The cloud is told what it took from accounts that are healthy here, and takes it back."""
        self._sim.emit(
            LiquidationRefused(done.accounts, done.penalty_quantums, done.slots, done.sizes, done.prices), self._lane
        )
        self._news.tell("refused", self.on_refused, done)

    def _bust(self, fills: list[FillTx]) -> None:
        """Takes back this block's fills of accounts that they left under margin, latest first."""
        account_of = self.layout.account_of
        under = {taker for taker in self._suspects(fills) if self._is_under_margin(taker)} if fills else set()
        if not under:
            return
        busted = [fill for fill in fills if account_of[fill.taker_slot] in under and self._increased(fill)]
        for fill in reversed(busted):
            undo = FillTx(fill.taker_slot, fill.maker_slot, -fill.size, fill.price)
            self._apply_fills([undo])
            fills.remove(fill)
            parties = account_of[fill.taker_slot], account_of[fill.maker_slot]
            market = self.layout.market_of[fill.taker_slot]
            self._sim.emit(Bust(market, *parties, fill.size, fill.price), self._lane)
            self._news.tell("bust", self.on_bust, fill)
        self._reserves.forget()

    def _suspects(self, fills: list[FillTx]) -> set[int]:
        """Takers that these fills may have left under margin: whose reserve does not cover them."""
        return self._reserves.suspects(fills, self.mark, self._mark_list, self.index)

    def _is_under_margin(self, account: int) -> bool:
        equity, margin = self.holdings.value_one(account, self._mark_list, self._index_list, self._mmr_list)
        return margin > max(0, equity)

    def _increased(self, fill: FillTx) -> bool:
        return self.holdings.size_one(fill.taker_slot) * fill.size > 0

    def _socialise(self, equity: Ints) -> int:
        return factor_of_all_ppm(equity[1:], int(equity[VAULT]))

    def _emit_sealed(self, transactions: int, fills: list[FillTx], liquidated: list[Liquidated]) -> BlockSealed:
        high, low = self.root()
        holdings = self.holdings
        equity = self._equity_now()
        vault = holdings.quote_one(VAULT)
        people = int(np.add.reduce(holdings.quote)) - vault
        views = holdings.views
        view = BlockView(
            self.layout, views["quote"], views["size"], views["cached"], views["realised"], self._frozen_index,
            self._frozen_mark, equity, fills, liquidated, self._credited, self.socialised_ppm, VAULT, people, vault,
            self._index_after, self._order.last, cloud=self._world.cloud.holdings.views,
        )  # fmt: skip
        sealed = BlockSealed(self.height, self.sequence, high, low, transactions, view)
        self._sim.emit(sealed, self._lane)
        return sealed

    def root(self) -> tuple[int, int]:
        """The state root: accounts, positions, cached indices, indices, marks."""
        return self._keys.root((self.holdings.flat, self.index, self.mark))

    # ---- L1 ----------------------------------------------------------------------------------------------------
    def _credit_l1(self) -> None:
        transfers, now_ms = self.l1.transfers, self._sim.now_ms
        while self.l1_cursor < len(transfers) and transfers[self.l1_cursor][0] <= now_ms:
            _, account, amount = transfers[self.l1_cursor]
            self.holdings.quote[account] += amount
            self._credited += amount
            self._forget_equity()
            self._news.tell("transfer", self._world.cloud.on_credit, (account, amount))
            self._sim.emit(L1Credited(account, amount), self._lane)
            self.l1_cursor += 1

    def reconcile_l1(self) -> None:
        """Credits what L1 has and the chain has not, and says what it found."""
        self._credit_l1()
        holdings = self.holdings
        credited = int(holdings.quote.sum()) - int(holdings.realised.sum()) - self._genesis
        waiting = sum(amount for _, _, amount in self.l1.transfers[self.l1_cursor :])
        self._sim.emit(L1Reconciled(credited, waiting, self.l1.total()), self._lane)

    # ---- snapshot and rollback -----------------------------------------------------------------------------------
    def snapshot(self) -> Snapshot:
        """The chain as it is, after proving that the bytes restore it."""
        high, low = self.root()
        taken = Snapshot(self.height, self.l1_cursor, self._to_bytes(), (high, low))
        twin = self._decode(taken)
        restored_high, restored_low = self._keys.root((twin[0].flat, *twin[1:]))
        self._sim.emit(SnapshotTaken(self.height, high, low, restored_high, restored_low), self._lane)
        return taken

    def restore(self, snapshot: Snapshot) -> None:
        """Back to a snapshot. ``sequence`` goes on, L1 stays, and everything pending is dropped."""
        holdings, index, mark = self._decode(snapshot)
        self.holdings.take_from(holdings)
        self._note_index(index)
        self._note_mark(mark)
        self.height = snapshot.height
        self.l1_cursor = snapshot.l1_cursor
        self._credited = self.l1.total(snapshot.l1_cursor)
        self._forget_equity()
        self.drop_pending()

    def _to_bytes(self) -> bytes:
        return self.holdings.to_bytes() + self.index.astype("<i8").tobytes() + self.mark.astype("<i8").tobytes()

    def _decode(self, snapshot: Snapshot) -> tuple[Holdings, Ints, Ints]:
        tail = 8 * self.layout.markets
        raw = snapshot.raw
        holdings = Holdings.from_bytes(self.layout, raw[: -2 * tail])
        index = np.frombuffer(raw[-2 * tail : -tail], dtype="<i8").astype(np.int64)
        return holdings, index, np.frombuffer(raw[-tail:], dtype="<i8").astype(np.int64)
