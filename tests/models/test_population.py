"""The population: sizes that sum to zero, nobody who begins under margin, and draws that belong to one person alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from drydock.models.accounts import VAULT
from drydock.models.markets import paradex_markets
from drydock.models.people_spec import Population
from drydock.models.perp.units import INDEX_SHIFT, check_bounds
from drydock.models.population import INDEX_CAP_PPM, Start, draw_index, draw_intents, draw_start, draw_transfers

MARKETS = paradex_markets()
FEW = MARKETS.subset(["BTC-USD-PERP", "ETH-USD-PERP", "PAXG-USD-PERP"])
MARK = MARKETS.reference_price_quantums
SPEC = Population(accounts=300, makers=3)
NIGHT_MS = 3_600_000


def start(seed: int = 1, spec: Population = SPEC) -> Start:
    return draw_start(spec, MARKETS, MARK, seed)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 60), st.integers(1, 5))
def test_sizes_of_every_market_sum_to_zero_and_nobody_begins_under_margin(
    seed: int, accounts: int, makers: int
) -> None:
    """Longs equal shorts, and every account is above its initial margin, fees and funding included."""
    found = draw_start(Population(accounts=accounts, makers=makers), MARKETS, MARK, seed)
    holdings = found.holdings
    assert not holdings.layout.per_market(holdings.size).any()
    equity = holdings.value(MARK, found.index, MARKETS.mmf_ppm, 300).equity
    required = holdings.initial_margin(MARK, MARKETS.imf_ppm, 300)
    assert (equity[1:] > required[1:]).all()


def test_state_stays_within_the_bounds_of_the_core() -> None:
    """No size, quote balance or index comes near what the proof against overflow allows."""
    found = start(spec=Population())
    check_bounds(found.holdings.size, MARK, found.index, found.holdings.quote)


def test_open_interest_is_about_what_was_asked_for() -> None:
    """One side of all positions of people is within a fifth of half of both sides' notional."""
    found = start(spec=Population())
    holdings = found.holdings
    people = holdings.layout.account > 4
    notional = int((np.abs(holdings.size) * MARK[holdings.layout.market])[people].sum())
    assert 0.8 < notional / (2 * Population().open_interest_usd) <= 1.01


def test_vault_begins_empty_handed_with_its_money() -> None:
    """No position, the configured balance, a slot in every market."""
    holdings = start().holdings
    slots = holdings.layout.slots_of(np.array([VAULT]))
    assert len(MARKETS) == len(slots)
    assert not holdings.size[slots].any()
    assert SPEC.vault_usd == holdings.quote[VAULT]


def test_people_hold_at_most_the_markets_they_were_given() -> None:
    """Between one and three markets each, all of them of the venue."""
    layout = start().holdings.layout
    counts = np.bincount(layout.account)[1 + SPEC.makers :]
    assert SPEC.accounts == len(counts)
    assert (1, SPEC.markets_each) == (counts.min(), counts.max())


def test_sizes_are_unequal_as_wealth_is() -> None:
    """The largest tenth holds more than a third, and nobody holds nothing."""
    found = start(spec=Population())
    layout = found.holdings.layout
    held = layout.per_account(np.abs(found.holdings.size) * MARK[layout.market])[1 + Population().makers :]
    assert held.min() > 0
    assert 3 * np.sort(held)[-len(held) // 10 :].sum() > held.sum()


def test_indices_are_shares_of_the_price_mostly_positive() -> None:
    """Never beyond the cap, some of either sign, majors around an eighth of their price."""
    index = draw_index(MARKETS, MARK, 1)
    share_ppm = (np.abs(index) >> INDEX_SHIFT) * 1_000_000 // MARK
    assert share_ppm.max() <= INDEX_CAP_PPM
    assert 0.5 < (index > 0).mean() < 0.9
    assert index.all()


def test_other_seed_is_another_night_and_the_same_seed_the_same() -> None:
    """Draws are a function of the seed."""
    assert start(1).holdings.to_bytes() == start(1).holdings.to_bytes()
    assert start(1).holdings.to_bytes() != start(2).holdings.to_bytes()


# ---- nobody's draws shift another's ---------------------------------------------------------------------------------
def markets_and_signs(found: Start, makers: int, person: int) -> list[tuple[int, int]]:
    holdings = found.holdings
    slots = holdings.layout.slots_of(np.array([1 + makers + person]))
    return list(zip(holdings.layout.market[slots].tolist(), np.sign(holdings.size[slots]).tolist(), strict=True))


@pytest.mark.parametrize("person", [0, 7, 99])
def test_portfolio_of_a_person_does_not_depend_on_who_else_exists(person: int) -> None:
    """The same markets and directions among a hundred accounts and among three hundred."""
    small = start(spec=replace(SPEC, accounts=100))
    assert markets_and_signs(small, SPEC.makers, person) == markets_and_signs(start(), SPEC.makers, person)


def test_index_of_a_market_depends_on_its_place_and_price_alone() -> None:
    """Without the markets behind it, a market has the same index."""
    first = MARKETS.subset(MARKETS.names[:10])
    assert draw_index(MARKETS, MARK, 3)[:10].tolist() == draw_index(first, MARK[:10], 3).tolist()


# ---- intents and transfers ------------------------------------------------------------------------------------------
def test_intents_are_of_their_own_people_in_markets_that_they_hold() -> None:
    """Sorted by time, within the night, against a maker of the same market, of at least one quantum."""
    layout = start().holdings.layout
    drawn = draw_intents(replace(SPEC, fills_per_minute=60), layout, MARK, NIGHT_MS, 1)
    assert (np.diff(drawn.at_ms) >= 0).all()
    assert (0, True) <= (drawn.at_ms.min(), bool(drawn.at_ms.max() < NIGHT_MS))
    assert layout.account[drawn.taker_slot].tolist() == drawn.account.tolist()
    assert layout.market[drawn.taker_slot].tolist() == layout.market[drawn.maker_slot].tolist()
    assert set(layout.account[drawn.maker_slot].tolist()) == set(range(1, 1 + SPEC.makers))
    assert np.abs(drawn.size).min() >= 1
    assert 3_600 <= len(drawn.at_ms) <= 3_600 + SPEC.accounts


def test_busier_night_adds_intents_and_changes_none() -> None:
    """Twice as many a minute: whatever somebody would have tried, he still tries, at the same time and size."""
    layout = start().holdings.layout
    tries = []
    for fills in (30, 60):
        drawn = draw_intents(replace(SPEC, fills_per_minute=fills), layout, MARK, NIGHT_MS, 1)
        columns = (drawn.at_ms, drawn.account, drawn.taker_slot, drawn.maker_slot, drawn.size)
        tries.append(set(zip(*(column.tolist() for column in columns), strict=True)))
    assert tries[0] < tries[1]


def test_quiet_venue_has_no_intents() -> None:
    """Zero a minute is none at all, and zero transfers likewise."""
    layout = start().holdings.layout
    assert 0 == len(draw_intents(replace(SPEC, fills_per_minute=0), layout, MARK, NIGHT_MS, 1).at_ms)
    assert 0 == len(draw_transfers(replace(SPEC, transfers_per_hour=0), layout, NIGHT_MS, 1).at_ms)


@pytest.mark.parametrize("share_ppm", [0, 500_000, 1_000_000])
def test_transfers_are_of_people_and_of_the_configured_kind(share_ppm: int) -> None:
    """$100 to $5,000 each; the share of withdrawals is about what was asked for."""
    layout = start().holdings.layout
    drawn = draw_transfers(replace(SPEC, transfers_per_hour=2_000, withdraw_ppm=share_ppm), layout, NIGHT_MS, 1)
    assert 2_000 == len(drawn.at_ms)
    assert drawn.account.min() > SPEC.makers
    assert 100_000_000 <= np.abs(drawn.amount).min() < 200_000_000
    assert 4_900_000_000 < np.abs(drawn.amount).max() <= 5_000_000_000
    assert abs(int((drawn.amount < 0).sum()) * 500 - share_ppm) < 50_000


# ---- opportunists and squeezers -------------------------------------------------------------------------------------
def test_opportunists_and_squeezers_begin_with_money_and_without_positions() -> None:
    """They stand between makers and people, have a slot in every market, and are worth what the scenario says."""
    spec = replace(SPEC, opportunists=2, squeezers=1, opportunist_usd=7_000_000)
    assert (1 + SPEC.makers + 3, 1 + SPEC.makers) == (spec.first_person, SPEC.first_person)
    found = start(spec=spec)
    layout = found.holdings.layout
    for account in range(1 + SPEC.makers, spec.first_person):
        slots = layout.slots_of_one(account)
        assert list(range(len(MARKETS))) == layout.market_of[slots.start : slots.stop]
        assert not found.holdings.size[slots.start : slots.stop].any()
        assert 7_000_000 == found.holdings.quote[account]


def test_opportunists_change_nothing_about_anybody_else() -> None:
    """Positions, money, intents and transfers of vault, makers and people are the same with and without them."""
    spec = replace(SPEC, opportunists=3, squeezers=2)
    few, many = start(), start(spec=spec)
    first, more = SPEC.first_person, 5
    rest = np.r_[0:first, first + more : many.holdings.layout.accounts]
    assert few.holdings.quote.tolist() == many.holdings.quote[rest].tolist()
    slots = many.holdings.layout.slots_of(rest)
    assert few.holdings.size.tolist() == many.holdings.size[slots].tolist()
    assert few.holdings.cached.tolist() == many.holdings.cached[slots].tolist()
    tried = [draw_intents(s, found.holdings.layout, MARK, NIGHT_MS, 1) for s, found in ((SPEC, few), (spec, many))]
    assert (tried[0].account + more).tolist() == tried[1].account.tolist()
    assert tried[0].size.tolist() == tried[1].size.tolist()
    assert tried[0].at_ms.tolist() == tried[1].at_ms.tolist()
    moved = [draw_transfers(s, found.holdings.layout, NIGHT_MS, 1) for s, found in ((SPEC, few), (spec, many))]
    assert (moved[0].account + more).tolist() == moved[1].account.tolist()
