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

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from drydock.models.accounts import VAULT, Holdings
from drydock.models.perp.units import INDEX_SHIFT, PPM, SLOTS_PER_ACCOUNT_MAX, all_true

Ints = NDArray[np.int64]
NEAR_SHIFT = 8
"""Marks are near while none is further than a 256th from where it was: minutes of a calm market."""
NEAR_INDEX_SHIFT = 16
"""Indices are near while none is further than a 65,536th of the mark from where it was: minutes of funding at the cap."""
ROUNDING = 4 * SLOTS_PER_ACCOUNT_MAX


class Reserves:
    """The reserves of one copy of the state, in 1e-6 USD. ``ratio_ppm`` is the maintenance margin, fees included."""

    def __init__(self, holdings: Holdings, ratio_ppm: Ints) -> None:
        self._holdings = holdings
        self._ratio_ppm = ratio_ppm
        swing_ppm = ((PPM + int(ratio_ppm.max())) << NEAR_INDEX_SHIFT - NEAR_SHIFT) + PPM
        self._swing_ppm = (swing_ppm >> NEAR_INDEX_SHIFT) + 1
        """What marks and indices that stay near can do to an account, per notional at the first marks."""
        twice_ppm = 2 * self._swing_ppm * ((1 << NEAR_SHIFT) + 2) >> NEAR_SHIFT
        self._charge_ppm: list[int] = (ratio_ppm + twice_ppm + 1).tolist()
        self._reserve: list[int] | None = None
        self._mark = self._near = self._index = self._near_index = ratio_ppm

    def forget(self) -> None:
        """Something else than a fill or a price changed: the next question looks at everybody."""
        self._reserve = None

    def moved(self, mark: Ints, index: Ints) -> None:
        """Marks or indices are new; the reserves are forgotten unless these are near."""
        if self._reserve is not None:
            is_near = all_true(np.abs(mark - self._mark) <= self._near)
            if not (is_near and all_true(np.abs(index - self._index) <= self._near_index)):
                self._reserve = None

    def suspects(self, fills: Iterable[Sequence[int]], mark: Ints, marks: Sequence[int], index: Ints) -> set[int]:
        """Takers of these fills, which are booked already, that may be under margin now; never the vault."""
        layout = self._holdings.layout
        account_of = layout.account_of
        if self._reserve is None:
            reserve = self._reserve = self._look_at_all(mark, index)
            return {taker for fill in fills if reserve[taker := account_of[fill[0]]] < 0} - {VAULT}
        reserve, market_of, charge_ppm = self._reserve, layout.market_of, self._charge_ppm
        found = set()
        for taker_slot, maker_slot, size, price in fills:
            market = market_of[taker_slot]
            charge = abs(size) * (price * charge_ppm[market] + 2 * PPM * abs(price - marks[market])) // PPM + 3
            taker = account_of[taker_slot]
            reserve[account_of[maker_slot]] -= charge
            reserve[taker] -= charge
            if reserve[taker] < 0:
                found.add(taker)
        return found - {VAULT} if found else found

    def _look_at_all(self, mark: Ints, index: Ints) -> list[int]:
        holdings, layout = self._holdings, self._holdings.layout
        self._mark, self._index = mark, index.copy()
        self._near = mark >> NEAR_SHIFT
        self._near_index = (mark >> NEAR_INDEX_SHIFT) << INDEX_SHIFT
        value = holdings.value(mark, index, self._ratio_ppm, 0)
        gross = layout.per_account(np.abs(holdings.size) * mark[layout.market])
        swing = (gross // PPM + 1) * self._swing_ppm
        reserve: list[int] = (value.equity - value.margin - swing - ROUNDING).tolist()
        return reserve
