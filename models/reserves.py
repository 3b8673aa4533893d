"""Reserves: who cannot have come under margin since everybody was last looked at, without looking again.

A reserve is a lower bound on an account's equity less its maintenance margin. It is worked out for all accounts at
once and holds for as long as prices and indices stay near those of that moment; each fill is charged to both parties
with all that it can cost. A reserve that is not negative proves that its account is not under margin; a negative one
proves nothing: such an account is to be looked at exactly.

The proof: while no mark is further than d from where it was, with d at most ``mark >> NEAR_SHIFT``, equity has moved by
at most ``sum |size| * d`` and margin by at most ``ratio`` times as much; for a position that was added on the way, at a
mark as near, it is twice that. Indices likewise, with a nearness of their own. What rounding moves, a unit for each
slot and time, is in ``ROUNDING``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drydock.models.accounts import VAULT, Holdings
from drydock.models.perp.units import INDEX_SHIFT, PPM, SLOTS_PER_ACCOUNT_MAX, all_true

Ints = NDArray[np.int64]
Fill = Sequence[int]
"""Taker's slot, maker's slot, signed size, price."""
NEAR_SHIFT = 9
"""Marks are near while none is further than a 512th from where it was: a minute of a calm market."""
NEAR_INDEX_SHIFT = 16
"""Indices are near while none is further than a 65,536th of the mark from where it was: minutes of funding."""
ROUNDING = 4 * SLOTS_PER_ACCOUNT_MAX
FEW = 32
"""So many accounts are looked at one by one for the price of a look at thousands."""


class Reserves:
    """The reserves of one copy of the state, in 1e-6 USD. ``ratio_ppm`` is the maintenance margin, fees included.

    They follow the fills that are told here, and notice liquidations and whole copies (``Holdings.changes``). Whoever
    writes single values says :meth:`forget`.
    """

    def __init__(self, holdings: Holdings, ratio_ppm: Ints) -> None:
        self._holdings = holdings
        self._ratio_ppm = ratio_ppm
        self._ratio_list: list[int] = ratio_ppm.tolist()
        swing_ppm = ((PPM + int(ratio_ppm.max())) << NEAR_INDEX_SHIFT - NEAR_SHIFT) + PPM
        self._swing_ppm = (swing_ppm >> NEAR_INDEX_SHIFT) + 1
        """What marks and indices that stay near can do to an account, per notional at the first marks."""
        twice_ppm = 2 * self._swing_ppm * ((1 << NEAR_SHIFT) + 2) >> NEAR_SHIFT
        self._charge_ppm: list[int] = (ratio_ppm + twice_ppm + 1).tolist()
        self._reserve = np.zeros(holdings.layout.accounts, np.int64)
        self._reserve_at = memoryview(self._reserve)  # type: ignore[arg-type]
        self._changes = 0
        self._is_known = False
        self._is_charged = False
        self._mark = self._last_mark = self._near = self._index = self._near_index = ratio_ppm

    def forget(self) -> None:
        """The next question looks at everybody."""
        self._is_known = False

    def suspects(self, fills: Sequence[Fill], mark: Ints, marks: Sequence[int], index: Ints) -> set[int]:
        """Takers of these fills, which are booked already, that may be under margin now; never the vault."""
        if not self._holds(mark, index):
            self._look_at_all(mark, index)
        else:
            self._charge(fills, marks)
        account_of, reserve_at = self._holdings.layout.account_of, self._reserve_at
        found = {account_of[fill[0]] for fill in fills if reserve_at[account_of[fill[0]]] < 0}
        return found - {VAULT} if found else found

    def cover_all(self, fills: Sequence[Fill], mark: Ints, marks: Sequence[int], index: Ints) -> bool:
        """Whether, after these fills, which are booked already, certainly nobody but the vault is under margin."""
        if self._holds(mark, index):
            self._charge(fills, marks)
        else:
            self._look_at_all(mark, index)
        suspects = self._without_reserve()
        if len(suspects) > FEW and self._is_charged:
            self._look_at_all(mark, index)
            suspects = self._without_reserve()
        return len(suspects) <= FEW and not self._is_anybody_under(suspects, marks, index.tolist())

    def _without_reserve(self) -> list[int]:
        if np.minimum.reduce(self._reserve[VAULT + 1 :]) >= 0:
            return []
        found: list[int] = (np.flatnonzero(self._reserve[VAULT + 1 :] < 0) + VAULT + 1).tolist()
        return found

    def _is_anybody_under(self, accounts: Sequence[int], marks: Sequence[int], index: Sequence[int]) -> bool:
        """The exact question, account by account: a liquidation leaves some near their margin for hours."""
        for account in accounts:
            equity, margin = self._holdings.value_one(account, marks, index, self._ratio_list)
            if margin > equity and margin > 0:
                return True
        return False

    def _holds(self, mark: Ints, index: Ints) -> bool:
        """Whether the reserves are known, and marks and indices are near those of the look."""
        if not self._is_known or self._changes != self._holdings.changes:
            return False
        if mark is not self._last_mark:  # marks come as new arrays; indices change in place
            self._last_mark = mark
            self._is_known = all_true(np.abs(mark - self._mark) <= self._near)
        return self._is_known and all_true(np.abs(index - self._index) <= self._near_index)

    def _charge(self, fills: Sequence[Fill], marks: Sequence[int]) -> None:
        layout, charge_ppm, reserve_at = self._holdings.layout, self._charge_ppm, self._reserve_at
        account_of, market_of = layout.account_of, layout.market_of
        self._is_charged |= bool(fills)
        for taker_slot, maker_slot, size, price in fills:
            market = market_of[taker_slot]
            charge = abs(size) * price * charge_ppm[market] // PPM + 3
            if price != marks[market]:
                charge += 2 * abs(size * (price - marks[market]))
            reserve_at[account_of[taker_slot]] -= charge
            reserve_at[account_of[maker_slot]] -= charge

    def _look_at_all(self, mark: Ints, index: Ints) -> None:
        holdings, layout = self._holdings, self._holdings.layout
        self._mark, self._last_mark, self._index = mark, mark, index.copy()
        self._near = mark >> NEAR_SHIFT
        self._near_index = (mark >> NEAR_INDEX_SHIFT) << INDEX_SHIFT
        value = holdings.value(mark, index, self._ratio_ppm, 0)
        gross = layout.per_account(np.abs(holdings.size) * mark[layout.market])
        swing = (gross // PPM + 1) * self._swing_ppm
        np.subtract(value.equity - value.margin, swing + ROUNDING, out=self._reserve)
        # who holds nothing needs no margin, whatever he owes; the first fill that is charged to him asks anew
        np.maximum(self._reserve, 0, out=self._reserve, where=gross == 0)
        self._is_known, self._is_charged, self._changes = True, False, holdings.changes
