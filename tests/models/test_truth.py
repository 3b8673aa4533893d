"""Shadow truth: true marks and the truth index, which nobody in the world knows."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.models.perp.funding import accrue, funding_rate_ppm, interest_ppm, max_step
from drydock.models.perp.mark import mark_price
from drydock.models.perp.units import INDEX_SHIFT
from drydock.models.truth import Outside
from tests.nights import Stage

TICK_MS = 5_000


def outside() -> Outside:
    spot = np.arange(12).reshape(4, 3) * 1_000 + 1_000_000
    rates = np.array([[[10, 0, -5], [20, 0, 5], [600, 0, 7]], [[1, 2, 3], [1, 2, 3], [1, 2, 3]]])
    return Outside(spot, rates, 1_000, 5_000)


@pytest.mark.parametrize(
    ("at_ms", "row"), [(0, 0), (999, 0), (1_000, 1), (3_999, 3), (86_400_000, 3), (-1, 0), (-945_000, 0)]
)
def test_spot_is_constant_between_ticks_before_the_first_and_after_the_last(at_ms: int, row: int) -> None:
    """The row of the last tick at or before a time; a stamp may claim a time before the night."""
    assert [1_000_000 + row * 3_000 + market * 1_000 for market in range(3)] == outside().spot(at_ms).tolist()


def test_median_of_external_rates_makes_the_mark() -> None:
    """One venue that is far off moves nothing."""
    assert [20, 0, 5] == outside().median_rate(4_999).tolist()
    assert [1, 2, 3] == outside().median_rate(5_000).tolist()
    assert mark_price(outside().spot(0), np.array([20, 0, 5])).tolist() == outside().mark(0).tolist()
    assert [1, 2, 3] == outside().rates(7_000, 2).tolist()


def test_before_the_night_rates_and_marks_are_those_of_its_begin() -> None:
    """As spot: a price may bear a time from before it, and laws ask what was true then."""
    assert [20, 0, 5] == outside().median_rate(-600_000).tolist()
    assert [10, 0, -5] == outside().rates(-600_000, 0).tolist()
    assert outside().mark(0).tolist() == outside().mark(-600_000).tolist()


def test_truth_index_is_the_documented_formula_tick_by_tick() -> None:
    """Rate from the true basis, clamped and capped, times spot times the tick, remainders carried."""
    world = Stage(regime="calm", is_started=False).world
    facts, index = world.markets, world.truth.start_index
    carry = np.zeros_like(index)
    for at_ms in range(TICK_MS, 12 * TICK_MS, TICK_MS):
        rate = funding_rate_ppm(
            world.outside.median_rate(at_ms), interest_ppm(facts.period_ms), 500, facts.rate_cap_ppm
        )
        index, carry = accrue(index, carry, rate, world.outside.spot(at_ms), TICK_MS, facts.period_ms)
        assert index.tolist() == world.truth.index(at_ms).tolist()
        assert index.tolist() == world.truth.index(at_ms + TICK_MS - 1).tolist()


def test_truth_index_does_not_depend_on_the_order_of_questions() -> None:
    """Asked late first or early first, it is the same, and the start is the start."""
    forward, backward = (Stage(regime="calm", is_started=False).world.truth for _ in range(2))
    times = [0, 7_000, 60_000, 300_000]
    asked = {at_ms: backward.index(at_ms).tolist() for at_ms in reversed(times)}
    assert asked == {at_ms: forward.index(at_ms).tolist() for at_ms in times}
    assert forward.start_index.tolist() == asked[0]


def test_right_venue_stays_within_the_stated_band() -> None:
    """A night with its downtime ends with indices nearer to the truth than the band."""
    stage = Stage(regime="calm").at(420_000)
    truth = stage.world.truth
    band = (stage.world.outside.spot(420_000) << INDEX_SHIFT) // 1_000_000 * truth.index_band_ppm
    assert (np.abs(stage.world.chain.index - truth.index(420_000)) <= band).all()


def test_truth_is_not_touched_by_what_the_venue_does() -> None:
    """Start holdings and start index stay what they were."""
    quiet, stage = Stage(is_started=False).world.truth, Stage(seed=1, regime="flat").at(300_000)
    assert quiet.start_holdings.to_bytes() == stage.world.truth.start_holdings.to_bytes()
    assert quiet.start_index.tolist() == stage.world.truth.start_index.tolist()


def test_band_is_what_an_hour_of_downtime_accrues_at_the_widest_ordinary_rate() -> None:
    """Sixteen basis points per eight hours, for one hour: 200 ppm of spot."""
    world = Stage(is_started=False).world
    spot, hour_ms = world.outside.spot(0), 3_600_000
    accrued = max_step(1_600, spot, hour_ms, np.full_like(spot, 8 * hour_ms))
    band = (spot << INDEX_SHIFT) // 1_000_000 * world.truth.index_band_ppm
    assert (np.abs(accrued - band) <= spot).all()
