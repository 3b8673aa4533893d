"""Accounts as arrays: who holds how much of what, in one copy of the state.

Positions live in *slots*: one slot is one (account, market) pair, sorted by account, so that a sum per account is one
``reduceat``. The layout (which pairs exist) never changes in a run and is shared by every copy of the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drydock.models.draws import GOLDEN, mix64
from drydock.models.perp.funding import funding_pnl
from drydock.models.perp.margin import initial_margin, margin_of_notional
from drydock.models.perp.units import INDEX_SHIFT, PPM

Ints = NDArray[np.int64]

VAULT = 0
"""The Liquidator Vault is account 0; makers, opportunists and squeezers follow; then the people."""


class Layout:
    """The slots of a venue: ``market[s]``, ``account[s]`` and per account the first slot ``start[a]``."""

    def __init__(self, portfolios: Sequence[Sequence[int]], markets: int) -> None:
        counts = [len(portfolio) for portfolio in portfolios]
        self.accounts = len(portfolios)
        self.markets = markets
        self.account = np.repeat(np.arange(self.accounts), counts)
        self.market = np.concatenate([np.asarray(p, np.int64) for p in portfolios])
        self.start = np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.int64)
        self.slots = len(self.market)
        self.account_of: list[int] = self.account.tolist()
        self.market_of: list[int] = self.market.tolist()
        self._terms: dict[bytes, Ints] = {}
        bounds: list[int] = [*self.start.tolist(), self.slots]
        self.own_slots = [range(first, last) for first, last in pairwise(bounds)]
        """The slots of each account, by account."""
        self.by_market = np.argsort(self.market, kind="stable")
        self.market_start = np.searchsorted(self.market[self.by_market], np.arange(markets))
        self.slot_of = {
            (account, market): slot
            for slot, (account, market) in enumerate(zip(self.account_of, self.market_of, strict=True))
        }

    def slots_of_one(self, account: int) -> range:
        """The slots of one account."""
        return self.own_slots[account]

    def bounds_of(self, account: int) -> tuple[int, int]:
        """The first slot of one account, and the first of the next."""
        slots = self.own_slots[account]
        return slots.start, slots.stop

    def dense_slot(self, account: int, market: int) -> int:
        """The slot of an account that has one in every market: vault, makers, opportunists, squeezers."""
        return account * self.markets + market

    def terms(self, per_market: Ints) -> Ints:
        """A contract term of each market as one of each slot; kept, since a run asks for the same ones again."""
        key = per_market.tobytes()
        known = self._terms.get(key)
        if known is None:
            known = self._terms[key] = per_market[self.market]
        return known

    def per_account(self, per_slot: Ints) -> Ints:
        """Sums over the slots of each account. Every account has at least one slot."""
        return np.add.reduceat(per_slot, self.start)

    def per_market(self, per_slot: Ints) -> Ints:
        """Sums over the slots of each market. The vault has a slot in every market, so none is empty."""
        return np.add.reduceat(per_slot[self.by_market], self.market_start)

    def slots_of(self, accounts: Ints) -> Ints:
        """The slots of these accounts, in order."""
        chosen = np.zeros(self.accounts, np.bool_)
        chosen[accounts] = True
        return np.flatnonzero(chosen[self.account])


class Valuation:
    """What each account is worth at given marks and indices, in 1e-6 USD: ``equity[a]`` and maintenance ``margin[a]``.

    The margin is worked out when it is first asked for, which must be before the positions change: most blocks ask only
    whether somebody is below zero.
    """

    __slots__ = ("_margin", "_work_out", "equity")

    def __init__(self, equity: Ints, work_out_margin: Callable[[], Ints]) -> None:
        self.equity = equity
        self._work_out = work_out_margin
        self._margin: Ints | None = None

    @property
    def margin(self) -> Ints:
        """Maintenance margin of every account."""
        if self._margin is None:
            self._margin = self._work_out()
        return self._margin

    def under_margin(self) -> Ints:
        """The people (not vault) who hold something and whose margin exceeds their equity."""
        is_under = (self.margin > self.equity) & (self.margin > 0)
        is_under[VAULT] = False
        return np.flatnonzero(is_under)


class Was(NamedTuple):
    """What an account had: its quote balance, and size and cached index of slots that have changed since."""

    quote: int
    slots: dict[int, tuple[int, int]]


class Holdings:
    """One copy of all accounts.

    ``quote[a]`` (1e-6 USD) is cash minus what the positions cost: a fill of dq at P changes it by -dq*P, as in dYdX
    (x/perpetuals), so account value = quote + sum size*mark + sum funding. ``size[s]`` is signed size quantums,
    ``cached[s]`` the funding index (index units) up to which this position's funding is in ``quote``. All of them lie
    in one array, ``flat``, in the canonical order.
    """

    __slots__ = (
        "_cached_at", "_quote_at", "_realised_at", "_size_at", "cached", "changes", "flat", "layout", "quote",
        "realised", "size", "views",
    )  # fmt: skip

    def __init__(self, layout: Layout, quote: Ints, size: Ints, cached: Ints, realised: Ints | None = None) -> None:
        """A copy of these arrays; ``realised`` is zero if None."""
        self.layout = layout
        self.changes = 0
        """How often positions changed by anything else than a fill, for those who follow the fills."""
        self.flat = np.concatenate((quote, size, cached, np.zeros(layout.markets, np.int64)))
        first, second, third = layout.accounts, layout.accounts + layout.slots, layout.accounts + 2 * layout.slots
        self.quote = self.flat[:first]
        self.size = self.flat[first:second]
        self.cached = self.flat[second:third]
        self.realised = self.flat[third:]
        """Funding that went into ``quote`` so far, by market (1e-6 USD)."""
        if realised is not None:
            self.realised[:] = realised
        # The same memory, element by element: a fifth of the price of indexing an array. The arrays are never replaced.
        self._quote_at = memoryview(self.quote)  # type: ignore[arg-type]
        self._size_at = memoryview(self.size)  # type: ignore[arg-type]
        self._cached_at = memoryview(self.cached)  # type: ignore[arg-type]
        self._realised_at = memoryview(self.realised)  # type: ignore[arg-type]
        self.views = {name: frozen(getattr(self, name)) for name in ("quote", "size", "cached", "realised")}
        """The arrays as laws may see them: read-only, and always as of now."""

    def copy(self) -> Holdings:
        """An independent copy on the same layout."""
        return Holdings(self.layout, self.quote, self.size, self.cached, self.realised)

    def take_from(self, other: Holdings) -> None:
        """Becomes equal to ``other``."""
        self.flat[:] = other.flat
        self.changes += 1

    def value(self, mark: Ints, index: Ints, margin_ppm: Ints, fee_ppm: int) -> Valuation:
        """Equity and maintenance margin of every account at these prices (``mark[m]``) and indices (``index[m]``)."""
        layout, size = self.layout, self.size
        market = layout.market
        notional = size * mark[market]
        worth = notional + funding_pnl(size, index[market], self.cached)
        return Valuation(
            self.quote + layout.per_account(worth),
            lambda: layout.per_account(margin_of_notional(notional, layout.terms(margin_ppm + fee_ppm))),
        )

    def initial_margin(self, mark: Ints, margin_ppm: Ints, fee_ppm: int) -> Ints:
        """Initial margin of every account (1e-6 USD)."""
        market = self.layout.market
        return self.layout.per_account(initial_margin(self.size, mark[market], margin_ppm[market], fee_ppm))

    def value_one(
        self, account: int, mark: Sequence[int], index: Sequence[int], ratio_ppm: Sequence[int]
    ) -> tuple[int, int]:
        """Equity of one account and its margin at these ratios (fee included): :meth:`value` in plain integers."""
        market_of, size_at, cached_at = self.layout.market_of, self._size_at, self._cached_at
        equity, margin = self._quote_at[account], 0
        for slot in self.layout.own_slots[account]:
            size = size_at[slot]
            if size:
                market = market_of[slot]
                worth = size * mark[market]
                equity += worth + (-size * (index[market] - cached_at[slot]) >> INDEX_SHIFT)
                margin -= -abs(worth) * ratio_ppm[market] // PPM
        return equity, margin

    def was_one(self, account: int) -> Was:
        """What :meth:`value_one` needs to value an account later as it is now; slots that change are to be added."""
        return Was(self._quote_at[account], {})

    def note_slot(self, was: Was, slot: int) -> None:
        """A slot is about to change; what it was first counts."""
        if slot not in was.slots:
            was.slots[slot] = self._size_at[slot], self._cached_at[slot]

    def value_one_as_it_was(
        self, account: int, mark: Sequence[int], index: Sequence[int], ratio_ppm: Sequence[int], was: Was
    ) -> tuple[int, int]:
        """:meth:`value_one` of an account before the changes since ``was_one``."""
        changed = {slot: (self._size_at[slot], self._cached_at[slot]) for slot in was.slots}
        now = self._quote_at[account]
        try:
            self._put(account, was.quote, was.slots)
            return self.value_one(account, mark, index, ratio_ppm)
        finally:
            self._put(account, now, changed)

    def _put(self, account: int, quote: int, slots: Mapping[int, tuple[int, int]]) -> None:
        self._quote_at[account] = quote
        for slot, (size, cached) in slots.items():
            self._size_at[slot], self._cached_at[slot] = size, cached

    def size_one(self, slot: int) -> int:
        """The signed size in one slot."""
        return self._size_at[slot]

    def quote_one(self, account: int) -> int:
        """The quote balance of one account (1e-6 USD)."""
        return self._quote_at[account]

    def realise_funding(self, slots: Ints, index: Ints) -> None:
        """Moves the funding of these slots into ``quote`` and re-caches their index. Slots are unique."""
        layout = self.layout
        now = index[layout.market[slots]]
        paid = funding_pnl(self.size[slots], now, self.cached[slots])
        np.add.at(self.quote, layout.account[slots], paid)
        np.add.at(self.realised, layout.market[slots], paid)
        self.cached[slots] = now

    def trade(self, slots: Ints, size: Ints, price: Ints, index: Ints) -> None:
        """Adds signed ``size`` at ``price`` to slots (which may repeat); funding is realised first."""
        self.changes += 1
        self.realise_funding(np.unique(slots), index)
        np.add.at(self.size, slots, size)
        np.add.at(self.quote, self.layout.account[slots], -size * price)

    def trade_one(self, slot: int, size: int, price: int, index: int) -> None:
        """:meth:`trade` for one slot in plain integers: the hot path of a fill."""
        layout, size_at, cached_at = self.layout, self._size_at, self._cached_at
        held = size_at[slot]
        paid = -held * (index - cached_at[slot]) >> INDEX_SHIFT  # funding_pnl: here nothing can overflow
        if paid:
            self._realised_at[layout.market_of[slot]] += paid
        self._quote_at[layout.account_of[slot]] += paid - size * price
        size_at[slot] = held + size
        cached_at[slot] = index

    def fill_one(self, taker_slot: int, maker_slot: int, size: int, price: int, index: int) -> None:
        """Both legs of a fill: :meth:`trade_one` for the taker, and with the opposite size for the maker."""
        layout, size_at, cached_at, quote_at = self.layout, self._size_at, self._cached_at, self._quote_at
        account_of = layout.account_of
        taken, made = size_at[taker_slot], size_at[maker_slot]
        taker_paid = -taken * (index - cached_at[taker_slot]) >> INDEX_SHIFT
        maker_paid = -made * (index - cached_at[maker_slot]) >> INDEX_SHIFT
        if taker_paid or maker_paid:
            self._realised_at[layout.market_of[taker_slot]] += taker_paid + maker_paid
        worth = size * price
        quote_at[account_of[taker_slot]] += taker_paid - worth
        quote_at[account_of[maker_slot]] += maker_paid + worth
        size_at[taker_slot], size_at[maker_slot] = taken + size, made - size
        cached_at[taker_slot] = cached_at[maker_slot] = index

    def fill_all(self, fills: Iterable[tuple[int, int, int, int]], index: Sequence[int]) -> None:
        """:meth:`fill_one` for each (taker slot, maker slot, size, price), at indices by market: half its price."""
        layout, size_at, cached_at, quote_at = self.layout, self._size_at, self._cached_at, self._quote_at
        account_of, market_of, realised_at = layout.account_of, layout.market_of, self._realised_at
        for taker_slot, maker_slot, size, price in fills:
            market = market_of[taker_slot]
            now = index[market]
            taken, made = size_at[taker_slot], size_at[maker_slot]
            taker_paid = -taken * (now - cached_at[taker_slot]) >> INDEX_SHIFT
            maker_paid = -made * (now - cached_at[maker_slot]) >> INDEX_SHIFT
            if taker_paid or maker_paid:
                realised_at[market] += taker_paid + maker_paid
            worth = size * price
            quote_at[account_of[taker_slot]] += taker_paid - worth
            quote_at[account_of[maker_slot]] += maker_paid + worth
            size_at[taker_slot], size_at[maker_slot] = taken + size, made - size
            cached_at[taker_slot] = cached_at[maker_slot] = now

    def worth_of_move(self, move: Ints) -> Ints:
        """What a move of the marks (price quantums, by market) does to the equity of every account; exact."""
        return self.layout.per_account(self.size * move[self.layout.market])

    def to_bytes(self) -> bytes:
        """The canonical form: quote, size, cached, realised as little-endian 64-bit integers."""
        return self.flat.astype("<i8").tobytes()

    @classmethod
    def from_bytes(cls, layout: Layout, raw: bytes) -> Holdings:
        """The inverse of :meth:`to_bytes`."""
        flat = np.frombuffer(raw, dtype="<i8").astype(np.int64)
        bounds = np.cumsum([layout.accounts, layout.slots, layout.slots, layout.markets])
        quote, size, cached, realised = np.split(flat, bounds[:-1])
        return cls(layout, quote, size, cached, realised)


def frozen(array: Ints) -> Ints:
    """A read-only view of an array."""
    view = array.view()
    view.flags.writeable = False
    return view


class RootKeys:
    """Multipliers for the state root: a 128-bit multiply-and-sum hash in wrapping 64-bit integers.

    The root of a state is ``sum(value[n] * key[n]) mod 2**64`` under two independent sets of odd keys. It is linear and
    therefore no defence against an adversary; it tells apart states that a simulation produces, and costs a quarter of
    blake2b over the same bytes at 3,600 values, an eighth at 26,000 (10 and 39 us).
    """

    def __init__(self, size: int) -> None:
        counter = np.arange(1, 2 * size + 1, dtype=np.uint64)
        self._keys = (mix64(counter * GOLDEN) | np.uint64(1)).reshape(2, size)
        self._flat = np.empty(size, np.int64)
        self._words = self._flat.view(np.uint64)
        self._products = np.empty((2, size), np.uint64)

    def root(self, parts: Sequence[Ints]) -> tuple[int, int]:
        """The two halves of the root, each cut to 63 bits so that it fits a signed integer."""
        np.concatenate(parts, out=self._flat)
        np.multiply(self._keys, self._words, out=self._products)
        high, low = np.add.reduce(self._products, axis=1).tolist()
        return high >> 1, low >> 1
