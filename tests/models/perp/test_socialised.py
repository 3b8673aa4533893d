"""Socialised loss: the documented formula and its edges."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.models.perp.socialised import ex_bankruptcy_quantums, loss_factor_ppm


def test_only_what_the_fund_does_not_cover_is_socialised() -> None:
    """Bankruptcies of 12 against a fund of 5 leave 7, against 12 or more nothing; a negative fund adds to the hole."""
    equity = np.array([100, -4, 0, -8], dtype=np.int64)
    assert [7, 0, 0, 15] == [ex_bankruptcy_quantums(equity, fund) for fund in (5, 12, 50, -3)]


def test_factor_is_rounded_towards_solvency() -> None:
    """7 / (14 + 7) is a third: 333,334 ppm; without a hole nothing is cut, with nothing else everything."""
    assert [333_334, 0, 1_000_000] == [loss_factor_ppm(*amounts) for amounts in ((7, 14), (0, 14), (7, 0))]
    assert loss_factor_ppm(0, 0) == 0


@pytest.mark.parametrize("amounts", [(-1, 5), (5, -1)])
def test_negative_amount_is_refused(amounts: tuple[int, int]) -> None:
    """A negative hole or total is a mistake of the caller, not a gain."""
    with pytest.raises(ValueError, match="negative amount"):
        loss_factor_ppm(*amounts)
