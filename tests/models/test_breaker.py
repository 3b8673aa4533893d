"""The circuit breaker: what it adds up, what prices explain, when it halts, and what a wrong halt costs."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from drydock.harness.result import RunResult
from drydock.models.breaker import Breaker
from drydock.models.events import BreakerTripped, HealthChecked, Liquidation
from drydock.models.venue import CircuitBreaker
from tests.models.test_safeguards import SEEDS, bad_debt, crash, each_seed, thin
from tests.nights import Stage, of, told

USD = 1_000_000
SPEC = CircuitBreaker(window_ms=10_000, base_quantums=1_000 * USD, factor_ppm=2_000_000, halt_ms=30_000)
NARROW = "venue.safeguards.circuit_breaker={base_quantums: 100000 USD}"
BLIND = "venue.safeguards.circuit_breaker={base_quantums: 100000 USD, factor_ppm: 0}"
"""A breaker to which no move of a price explains anything."""


class Checks:
    """A breaker asked at times that a test chooses, at marks that it sets."""

    def __init__(self, spec: CircuitBreaker = SPEC) -> None:
        self.stage = Stage("population.fills_per_minute=0", is_started=False)
        self.cloud = self.stage.world.cloud
        self.breaker = Breaker(self.stage.world, spec)
        self.start = self.cloud.mark

    def at(self, at_ms: int, move_ppm: int = 0) -> bool:
        """Whether it is tripped at this time, all marks that far above where they began."""
        self.stage.at(at_ms)
        self.cloud.mark = self.start + self.start * move_ppm // 1_000_000
        return self.breaker.is_tripped()

    def liquidate(self, usd: int) -> None:
        """So much is liquidated now."""
        self.breaker.note(usd * USD)

    def open_interest(self) -> int:
        """Of all markets at the first marks (1e-6 USD)."""
        holdings = self.cloud.holdings
        worth: int = int((np.maximum(holdings.size, 0) * self.start[holdings.layout.market]).sum())
        return worth


# ---- the rule -----------------------------------------------------------------------------------------------------
def test_what_is_liquidated_within_the_base_needs_no_explanation() -> None:
    """A thousand USD in a flat market are allowed, one more is not."""
    checks = Checks()
    assert not checks.at(1)
    checks.liquidate(1_000)
    assert not checks.at(5_000)
    checks.liquidate(1)
    assert checks.at(6_000)
    assert [BreakerTripped(1_001 * USD, 1_000 * USD)] == checks.stage.of(BreakerTripped)


def test_only_the_window_counts() -> None:
    """What was liquidated before it is forgotten."""
    checks = Checks()
    assert not checks.at(1)
    checks.liquidate(900)
    assert not checks.at(5_000)
    checks.liquidate(900)
    assert checks.at(10_000)
    late = Checks()
    assert not late.at(1)
    late.liquidate(900)
    assert not late.at(5_000)
    late.liquidate(900)
    assert not late.at(10_002)


@pytest.mark.parametrize("move_ppm", [10_000, -10_000])
def test_a_move_of_prices_explains_its_share_of_the_open_interest(move_ppm: int) -> None:
    """base + factor * open interest * move: a percent of everything, twice, up or down; rounding costs a thousandth."""
    checks = Checks()
    explained_usd = 1_000 + 2 * checks.open_interest() // 100 // USD
    assert not checks.at(1)
    checks.liquidate(explained_usd * 98 // 100)
    assert not checks.at(5_000, move_ppm)
    checks.liquidate(explained_usd * 4 // 100)
    assert checks.at(6_000, move_ppm)


def test_a_move_before_the_window_explains_nothing() -> None:
    """Prices that fell long ago are no reason to liquidate now."""
    checks = Checks()
    assert not checks.at(1)
    for at_ms in range(5_000, 25_000, 5_000):
        assert not checks.at(at_ms, 10_000)
    checks.liquidate(2_000)
    assert checks.at(26_000, 10_000)


def test_a_move_while_nobody_was_checked_explains_the_first_checks_after_it() -> None:
    """A closure is longer than the window: what is liquidated at the reopening is due to all that happened in it."""
    checks = Checks()
    assert not checks.at(1)
    assert not checks.at(600_000, 10_000)
    checks.liquidate(2_000)
    assert not checks.at(605_000, 10_000)
    checks.liquidate(2_000)
    assert checks.at(611_000, 10_000)


def test_a_halt_lasts_its_time_and_then_begins_anew() -> None:
    """It is announced once; afterwards the old liquidations are not held against anybody."""
    checks = Checks()
    assert not checks.at(1)
    checks.liquidate(5_000)
    assert [True, True, False] == [checks.at(at_ms) for at_ms in (2_000, 31_999, 32_000)]
    assert 1 == len(checks.stage.of(BreakerTripped))
    checks.liquidate(5_000)
    assert checks.at(33_000)


# ---- in the venue -------------------------------------------------------------------------------------------------
@cache
def halts(*sets: str, seed: int) -> tuple[RunResult, list[int]]:
    """A night with squeezers, and when its breaker tripped."""
    result = thin(*sets, seed=seed)
    return result, [at_ms for at_ms, _ in told(result.events, BreakerTripped)]


@each_seed
def test_nobody_is_looked_at_while_the_breaker_holds(seed: int) -> None:
    """No check for five minutes, and so no liquidation."""
    result, tripped = halts(NARROW, seed=seed)
    assert tripped
    looked = [at_ms for at_ms, _ in told(result.events, HealthChecked)]
    assert [] == [at_ms for at_ms in looked for since_ms in tripped if since_ms <= at_ms < since_ms + 300_000]
    assert all(later - earlier >= 300_000 for earlier, later in pairwise(tripped))


@each_seed
def test_breaker_stops_a_false_wave_but_not_its_beginning(seed: int) -> None:
    """Fewer healthy people are liquidated than without it, and some are: it needs them to notice."""
    few, many = (len(of(thin(*sets, seed=seed).events, Liquidation)) for sets in ((NARROW,), ()))
    assert 0 < few < many
    assert [] == halts(seed=seed)[1]


def test_what_a_crash_liquidates_is_explained() -> None:
    """With a base that suits the venue's size and a tenfold factor it does not trip when prices fall by the hour."""
    sets = "venue.safeguards.circuit_breaker={factor_ppm: 10000000}"
    assert [[], []] == [of(crash(sets, seed=seed).events, BreakerTripped) for seed in SEEDS]


def test_a_wrong_halt_in_a_crash_turns_into_bad_debt() -> None:
    """The other direction: a breaker that trips on liquidations that are right lets accounts sink below zero."""
    blind = [crash(BLIND, seed=seed) for seed in SEEDS]
    assert all(of(result.events, BreakerTripped) for result in blind)
    assert bad_debt(crash(seed=seed) for seed in SEEDS) < bad_debt(blind)
