"""Regimes: exogenous paths from integers, each market by itself, the same everywhere."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b

import numpy as np
import pytest

from drydock.models.markets import Markets, paradex_markets
from drydock.models.perp.units import PRICE_QUANTUMS_MAX, Int64s
from drydock.models.regimes import REGIMES, Crash, Gap, Regime, external_rates_ppm, paths, regime

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def markets() -> Markets:
    return paradex_markets()


def change_ppm(spot: Int64s) -> Int64s:
    return (spot[-1] - spot[0]) * 1_000_000 // spot[0]


def test_flat_market_never_moves(markets: Markets) -> None:
    """Flat is the reference price at every step, and the same external rate from every venue at every step."""
    spot = paths(regime("flat"), 1, markets, 1_000, 50)
    rates = external_rates_ppm(regime("flat"), 1, markets, 3, 1_000, 50)
    assert (spot == markets.reference_price_quantums).all()
    assert ((50, 117), (50, 3, 117)) == (spot.shape, rates.shape)
    assert (rates == rates[0, 0]).all()
    assert 0 < np.abs(rates).max() <= 200


@pytest.mark.parametrize("name", sorted(REGIMES))
def test_path_starts_at_the_reference_and_stays_within_its_bounds(name: str, markets: Markets) -> None:
    """Row 0 is the reference price; no price falls below 5 % of it or leaves the bounds of the core."""
    spot = paths(regime(name), 5, markets, 10_000, 700)
    assert (spot[0] == markets.reference_price_quantums).all()
    assert (spot >= markets.reference_price_quantums // 20).all()
    assert spot.max() < PRICE_QUANTUMS_MAX


def test_wild_regime_is_held_between_floor_and_ceiling(markets: Markets) -> None:
    """However volatile: never below 5 % and never above 8 times the start."""
    spot = paths(Regime("wild", 900_000, 900_000), 5, markets, 3_600_000, 300)
    start = markets.reference_price_quantums
    assert (spot.min(axis=0) == start // 20).any()
    assert (spot.max(axis=0) == 8 * start).any()
    assert ((spot >= start // 20) & (spot <= 8 * start)).all()


def test_calm_hour_has_about_its_volatility(markets: Markets) -> None:
    """Over many seeds the hourly change of BTC deviates by sqrt(0.3 %^2 + 0.25 %^2), about 3,905 ppm."""
    btc = markets.subset(["BTC-USD-PERP"])
    changes = np.array([change_ppm(paths(regime("calm"), seed, btc, MINUTE_MS, 61))[0] for seed in range(400)])
    assert 3_500**2 < int((changes * changes).sum()) // 400 < 4_300**2


def test_trend_drifts_by_its_drift(markets: Markets) -> None:
    """After an hour BTC has gained about 1 %."""
    btc = markets.subset(["BTC-USD-PERP"])
    changes = [int(change_ppm(paths(regime("trend"), seed, btc, MINUTE_MS, 61))[0]) for seed in range(40)]
    assert 8_000 < sum(changes) // 40 < 12_000


def test_crash_falls_by_class_within_its_time_and_stays_down(markets: Markets) -> None:
    """Without noise: nothing before its start, then majors -10..-15 %, alts -50..-80 %, gold 0..-2 %, no rebound."""
    crash = Regime("pure", crash=Crash(start_ms=10 * MINUTE_MS))
    spot = paths(crash, 3, markets, MINUTE_MS, 100)
    change = change_ppm(spot)
    loading = markets.factor_loading_ppm
    major, alt, haven = (loading >= 500_000) & (loading <= 1_200_000), loading > 1_200_000, loading < 500_000
    assert (spot[:11] == spot[0]).all()
    assert (spot[70:] == spot[-1]).all()
    assert (np.diff(spot, axis=0) <= 0).all()
    assert ((change[major] >= -150_001) & (change[major] <= -99_999)).all()
    assert ((change[alt] >= -800_001) & (change[alt] <= -499_999)).all()
    assert ((change[haven] >= -20_001) & (change[haven] <= 0)).all()
    assert markets.index("PAXG-USD-PERP") in np.flatnonzero(haven)


def test_crash_moves_with_its_start(markets: Markets) -> None:
    """The same crash ten minutes later is the same path ten minutes later: the draws do not shift."""
    early = paths(Regime("pure", crash=Crash()), 3, markets, MINUTE_MS, 80)
    late = paths(Regime("pure", crash=Crash(start_ms=10 * MINUTE_MS)), 3, markets, MINUTE_MS, 90)
    assert (early == late[10:]).all()


def test_gap_moves_havens_and_others_between_its_start_and_its_end(markets: Markets) -> None:
    """Flat until minute 100, linear until minute 125, flat after: gold +1.5 %, everything that is no haven +0.5 %."""
    spot = paths(regime("gap"), 7, markets, MINUTE_MS, 200)
    haven = markets.factor_loading_ppm < 500_000
    change = change_ppm(spot)
    assert (spot[:101] == markets.reference_price_quantums).all()
    assert (spot[125:] == spot[-1]).all()
    assert (np.diff(spot[100:126], axis=0) > 0).all()
    assert (np.abs(change[haven] - 15_000) <= 2).all()
    assert (np.abs(change[~haven] - 5_000) <= 2).all()
    half = (spot[112] + spot[113] - 2 * spot[0]) * 500_000 // spot[0]
    assert (np.abs(half - change // 2) <= 2).all()
    assert (0, True) == (int(haven[markets.index("BTC-USD-PERP")]), bool(haven[markets.index("PAXG-USD-PERP")]))


def test_gap_is_the_same_under_every_seed_and_adds_to_a_walk(markets: Markets) -> None:
    """Nothing of a gap is drawn; over a walk it is the walk and the move."""
    gap = Gap(start_ms=2 * MINUTE_MS, duration_ms=MINUTE_MS, haven_ppm=-20_000, other_ppm=10_000)
    one, other = (paths(Regime("pure", gap=gap), seed, markets, 5_000, 60) for seed in (1, 2))
    assert (one == other).all()
    both = paths(replace(regime("calm"), gap=gap), 3, markets, 5_000, 60)
    walk = paths(regime("calm"), 3, markets, 5_000, 60)
    assert (both[:25] == walk[:25]).all()
    moved = (both[-1] - walk[-1]) * 1_000_000 // markets.reference_price_quantums
    expected = np.where(markets.factor_loading_ppm < 500_000, -20_000, 10_000)
    assert (np.abs(moved - expected) <= 2).all()


@pytest.mark.parametrize("name", ["calm", "crash"])
def test_market_has_its_path_whoever_else_is_there(name: str, markets: Markets) -> None:
    """Three markets alone, in another order, see the prices and rates that they see among 117."""
    some = ["SUI-USD-PERP", "PAXG-USD-PERP", "BTC-USD-PERP"]
    at = [markets.index(market) for market in some]
    few = markets.subset(some)
    assert (paths(regime(name), 4, markets, 1_000, 90)[:, at] == paths(regime(name), 4, few, 1_000, 90)).all()
    rates = external_rates_ppm(regime(name), 4, markets, 3, 1_000, 90)
    assert (rates[:, :, at] == external_rates_ppm(regime(name), 4, few, 3, 1_000, 90)).all()


def test_longer_path_begins_with_the_shorter(markets: Markets) -> None:
    """The first steps do not depend on how many follow."""
    short = paths(regime("crash"), 8, markets, 1_000, 40)
    assert (short == paths(regime("crash"), 8, markets, 1_000, 100)[:40]).all()


def test_markets_move_together_by_their_loading(markets: Markets) -> None:
    """Without own noise every move is the common move times the loading, gold at a twentieth of BTC's."""
    common = replace(regime("calm"), own_volatility_ppm=0)
    change = change_ppm(paths(common, 2, markets, MINUTE_MS, 200))
    btc, gold, sui = (int(change[markets.index(f"{name}-USD-PERP")]) for name in ("BTC", "PAXG", "SUI"))
    assert abs(btc) > 100
    assert abs(btc * 5 - gold * 100) <= 200
    assert abs(btc * 150 - sui * 100) <= 400


def test_venues_differ_and_hold_their_rate_for_a_minute(markets: Markets) -> None:
    """With noise each venue has its own rate, drawn again every minute, about the market's constant."""
    rates = external_rates_ppm(regime("crash"), 6, markets, 3, 5_000, 100)
    assert (rates[:12] == rates[0]).all()
    assert (rates[12] != rates[11]).any()
    assert (rates[:, 0] != rates[:, 1]).any()
    assert np.abs(rates).max() < 200 + 5 * 400 + 1


def test_unknown_regime_says_what_there_is() -> None:
    """A slip of the pen is answered with the nearest name and the list."""
    with pytest.raises(KeyError, match="did you mean 'crash'"):
        regime("crsh")


@pytest.mark.digest
def test_paths_are_the_same_on_every_platform(markets: Markets) -> None:
    """The digest of every regime's prices and rates is the one that was committed."""
    whole = blake2b(digest_size=16)
    for name in sorted(REGIMES):
        for array in (
            paths(regime(name), 2026, markets, 5_000, 200),
            external_rates_ppm(regime(name), 2026, markets, 3, 5_000, 200),
        ):
            whole.update(array.astype("<i8").tobytes())
    assert whole.hexdigest() == "a924228d53f6c08dd3bbe989c3ab5641"
