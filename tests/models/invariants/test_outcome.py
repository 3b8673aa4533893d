"""L2, L5 and L6 on liquidations made by hand: exact to the last 1e-6 USD, and what each of them lets pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from drydock.faults.slow_load import SlowLoad
from drydock.harness.event import Event
from drydock.models.events import Liquidation
from drydock.models.invariants.outcome import Outcome
from drydock.models.perp.liquidation import liquidation_share, penalty
from tests.nights import Stage, broken, play

USD = 1_000_000


@pytest.fixture(scope="module")
def truth() -> object:
    return Stage(is_started=False).world.truth


def found(truth: object, equity: int, margin: int, share: int, fine: int) -> list[str]:
    """What L5 says of one liquidation in the cloud."""
    law = Outcome()
    law.begin(truth)
    data = Liquidation(7, share, equity, margin, fine, 0, "ok")
    law.observe(Event(1_000, "liquidator/checker", "liquidation", 1, None, data))
    return [finding.detail for finding in law.end()]


@given(margin=st.integers(1, 10**15), equity_ppm=st.integers(-500_000, 999_999))
def test_rule_of_the_documents_passes_whatever_the_account(truth: object, margin: int, equity_ppm: int) -> None:
    """The share and the penalty that the liquidator computes are the ones that the law recomputes."""
    equity = margin * equity_ppm // 1_000_000
    worth, required = np.array([equity]), np.array([margin])
    share = liquidation_share(worth, required)
    fine = penalty(worth, required, share)
    assert [] == found(truth, equity, margin, int(share[0]), int(fine[0]))


@pytest.mark.parametrize(
    ("share", "fine", "told"),
    [
        (500_000, 35 * USD, "no step of the rule"),
        (200_000, 14 * USD, "still near liquidation"),
        (1_000_000, 70 * USD, "less would do"),
        (600_000, 42 * USD + 1, "costs 42.00 USD"),
        (600_000, 42 * USD - 1, "costs 42.00 USD"),
    ],
)
def test_liquidation_off_the_rule_is_found(truth: object, share: int, fine: int, told: str) -> None:
    """90 USD for a requirement of 100 USD: 60 % go, and 42 USD with them."""
    assert [] == found(truth, 90 * USD, 100 * USD, 600_000, 42 * USD)
    assert any(told in detail for detail in found(truth, 90 * USD, 100 * USD, share, fine))


def test_penalty_is_capped_at_what_the_account_has(truth: object) -> None:
    """Who is bankrupt pays nothing; a penalty out of nothing would be the vault's gain."""
    assert [] == found(truth, -5 * USD, 100 * USD, 1_000_000, 0)
    assert [] == found(truth, 50 * USD, 100 * USD, 1_000_000, 50 * USD)
    assert ["account 7 pays 0.000001 USD for a liquidation that costs 0.00 USD"] == found(
        truth, -5 * USD, 100 * USD, 1_000_000, 1
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_crash_explains_what_it_liquidates(seed: int) -> None:
    """Prices fall through half an hour in which nobody may be liquidated, and all comes at once: the move is there."""
    long_halt = ("runbook.night_ms=60m", "runbook.window_ms=40m", "runbook.steps.4.duration_ms=30m")
    result = play(
        *long_halt, "population.accounts=200", "population.open_interest_usd=200000000 USD", seed=seed, regime="crash"
    )
    assert result.goals["G3"]
    assert set() == {"L2", "L5", "L6", "S3"} & broken(result)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_flat_market_explains_no_mass_liquidation(seed: int) -> None:
    """The first wave: indices are reset, accounts fall by the dozen, and no price has moved."""
    as_happened = ("venue.funding.readiness=process_up", "venue.safeguards.mode_matrix=false")
    many = ("population.accounts=200", "population.open_interest_usd=200000000 USD")
    result = play(*as_happened, *many, plan=(SlowLoad("start-services", mean_ms=20_000),), seed=seed, regime="flat")
    assert {"L1", "L2"} <= broken(result)
    assert not {"L5", "L6", "S3"} & broken(result)  # each liquidation by itself is by the book
